// Package wrap holds what a peer puts around the library's components, and
// why each is wrapped.
//
// Consensus (consensus.go) is the way of every write of this peer. It keeps a
// pin's `created`, refuses what is too large to replicate, and returns when
// the local state shows the change (visible.go) and the disk has it.
//
// Tracker (tracker.go) keeps the consensus from ever waiting for the tracker
// or for IPFS. Track and Untrack only note which CID has changed (queue.go).
// Workers then compare each noted CID with the state and with the operations
// of the library's tracker, and give that what is to be done (reconcile.go).
// What only the IPFS node can answer is asked on the side (ask.go). Statuses
// count what is still noted (status.go), and a recover is a comparison of all
// pins with IPFS, repeated until one succeeds (recover.go).
//
// Connector (connector.go) makes pins wait for an IPFS node that is away,
// instead of failing (node.go knows whether it is).
package wrap
