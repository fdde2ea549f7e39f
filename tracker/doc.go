// Package tracker is a controller around the library's stateless tracker: it makes the
// IPFS node of a peer hold what the state says, without the consensus ever waiting for it.
//
// A change of the state enters a work queue (tracker.go, queue.go). Workers compare each
// CID of the queue with the state and with the library's operations, and start or cancel
// operations (reconcile.go). What only the node knows is looked up beside that (lookup.go),
// though not for new pins (recent.go). Statuses include what is still in the queue
// (status.go, quick.go) and say how far a fetch is (progress.go); those of sharded roots
// follow from their parts (roots.go). A recover compares all pins with the node
// (recover.go) and is repeated until it succeeds (sweep.go).
//
// The number of concurrent fetches is bounded. Pins wait for a free place (waiting.go) and
// go to the library's tracker when they get one (places.go). While pins wait, slow fetches
// continue in the background, and long ones give way and continue later (review.go).
//
// The consumer declares what it needs: InnerTracker is the library's tracker, NodePins the
// IPFS connector, Checker the embedded node. The tracker reads the state by Options.State
// and never writes to it, except for PinInCluster, by which it repairs sharded adds.
package tracker
