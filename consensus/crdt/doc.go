// Package crdt is a CRDT consensus component that keeps the same data as the library's, so
// that both can be in one cluster, and that survives a kill at any moment.
//
// A CRDT pinset is a DAG of nodes. Each node has some changes, and links to the nodes that
// were the heads when it was written, its parents. Peers announce their newest head to all
// others by pubsub. Replica (crdt.go) writes nodes and applies those of others with
// go-ds-crdt; members.go implements the other methods of ipfscluster.Consensus. Grouped
// (group.go) commits concurrent writes together.
//
// # Fetching
//
// The library fetches one node, reads its links, and fetches these, with bitswap, which
// sends a peer at most one message every 20 ms: 50 nodes a second on any machine. A Replica
// asks a peer for a node and all its missing ancestors in one request: fetch.go is the
// client, serve.go the server, bounds.go limits both, sources.go chooses the peers. Peers
// that do not serve such requests are asked with bitswap (bitswap.go).
//
// The heads of each peer are followed separately (announcer.go), and requested when it
// connects (heads.go). go-ds-crdt applies one head after the other, so it gets a node only
// when all its ancestors are stored here, ancestors first (broadcast.go). A head with a node
// that no peer sends is put aside and retried (aside.go), while all other heads go on.
//
// # Interruptions
//
// go-ds-crdt applies a node in several writes. journal.go records which nodes are being
// applied, and resume.go completes them at the next start. A store that was used by the
// library, which has neither, may lack nodes or their effects: holes.go walks the whole DAG
// of such a store once (walker.go), fetches what is missing (refetch.go), and stores a
// report (report.go).
//
// # Keys
//
// Keys are below the option datastore_namespace. go-ds-crdt stores the heads at /h, the
// marks of applied nodes at /b, the set at /s (its elements at /s/s, tombstones at /s/t,
// values at /s/k), and a mark of a dirty store at /d. The blocks of the nodes are at
// /b/blocks, the journal and the report of the last walk at /pinsvc. Entries (entries.go)
// reads the values directly; fill.go writes a new store without go-ds-crdt.
package crdt
