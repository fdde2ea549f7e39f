// Package rig is what the scenarios of command faults are made of: peers as processes
// and clusters of them (cluster.go), clients of both APIs (client.go, content.go),
// writers that record in a history what was acknowledged (writers.go, dispute.go), a
// Kubo (kubo.go) and other providers of content (provider.go), a peer that announces
// what nobody has (impostor.go), small disks (smalldisk.go) and a reading of what a
// peer's process holds (meter.go).
package rig
