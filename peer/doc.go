// Package peer assembles an IPFS Cluster peer with the Pinning Service API in
// front of it. Its folder is made by package folder, its configuration read by
// package settings.
//
// A program calls Prepare once, then Start with the folder of a peer, and waits for
// Ready or Done; Err says why a peer ended by itself. Shutdown stops the peer and joins
// its goroutines. The example is a whole daemon.
//
// Start builds the peer in the order of build.go: the APIs bind first, because
// a busy port should not cost a heavy start (apis.go); then the datastore, the
// libp2p host (host.go), the consensus (consensus.go), the IPFS node or the way to
// a Kubo (ipfs.go), and everything else the library's Cluster wants
// (components.go). Shutdown goes the other way: requests are drained, then the
// cluster stops, then the network, then the datastore.
//
// A running peer reads its users again with Reload (reload.go). It keeps connected
// to the members of its cluster (mesh.go).
package peer
