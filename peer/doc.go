// Package peer assembles an IPFS Cluster peer with the Pinning Service API in
// front of it, and keeps the folder that such a peer lives in.
//
// The folder (folder.go) holds service.json, identity.json and the datastore.
// Create writes it (create.go, create_join.go for a cluster that is there).
// LoadSettings reads it (settings.go is the list of all sections, checked.go
// makes their errors name section and key, blame.go the variable, explain.go
// says them plainly, source.go fetches a configuration that is elsewhere), and
// LoadIdentity the key pair (identity.go). Check finds all mistakes of both
// (check.go, mistakes.go).
//
// Start builds the peer in the order of build.go: the APIs bind first, because
// a busy port should not cost a heavy start (apis.go); then the datastore
// (store.go), the libp2p host (host.go), the consensus (consensus.go), the IPFS
// node or the way to a Kubo (ipfs.go), and everything else the library's Cluster
// wants (components.go). The CRDT consensus is package consensus/crdt, with its
// writes grouped (Grouped). The consensus, the tracker and the connector are wrapped by
// package wrap, which says why.
// Shutdown goes the other way: requests are drained, then the cluster stops,
// then the network, then the datastore.
//
// SetPassword changes a user in service.json (password.go). A running peer
// reads its users again with Reload (reload.go), which AskReload makes the peer
// of another process do, found by pidfile.go.
//
// A running peer keeps connected to the members of its cluster (mesh.go).
//
// ExportState, ImportState and CleanState work on a folder whose peer is
// stopped (state.go), InspectCRDT and its like on the DAG in it (crdt.go).
package peer
