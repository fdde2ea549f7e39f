// Package process runs cluster peers as an operator does: a program of the
// ipfs-cluster-service kind, `init` in an empty folder, a few edits of its
// service.json, `state import`, `daemon`. It starts and ends only processes of
// its own, and all of their addresses are on loopback.
//
// program.go is the binary, folder.go a peer's folder, settings.go the edits
// of its service.json, peer.go the running daemon, memory.go
// and processor.go what it costs.
package process
