// Package crdt keeps this peer's copy of a CRDT pinset equal to the others'.
//
// A CRDT pinset is a DAG of nodes, each with some changes and links to the
// nodes that came before. Peers announce their newest node to all others.
// Replica (crdt.go) is the consensus component that writes nodes and applies
// those of others, with go-ds-crdt; members.go is the rest of what a cluster
// wants of one, tracker.go tells the pin tracker. It does what the library's
// component does, keeps the same data, and both can be in one cluster.
//
// It differs in how nodes get here. The library asks for one node, finds in it
// which is next, and asks for that, with bitswap, which sends a peer a message
// every 20 ms at most: 50 nodes a second, on any machine. Here a peer is asked
// for a node and all below it that is missing (serve.go has the answer, fetch.go
// the question, bounds.go the limits of both), and nodes are applied oldest first
// (broadcast.go): whenever the process is killed, what is applied has no gaps.
// From peers that cannot be asked so, nodes come with bitswap (bitswap.go).
//
// The heads of each peer are followed apart (announcer.go). Nodes are handed to
// go-ds-crdt, which applies one head after the other, only when all that it needs
// is here. A head of which a node cannot be had is put aside and tried again
// (aside.go), while everything else goes on.
//
// go-ds-crdt applies a node in several writes. journal.go keeps account of them,
// and resume.go completes at a start what the end of a process has interrupted.
// The library has neither, so a store that it has used may lack nodes: holes.go
// walks the whole DAG of such a store once (walker.go), and mends it.
package crdt
