// Package wrap holds what a peer puts around the library's components, and
// why each is wrapped.
//
// Consensus (consensus.go) is the way of every write of this peer. It keeps a
// pin's `created` and refuses what is too large to replicate (stamp.go), and
// returns when the local state shows the change (visible.go) and the disk has
// it. On a full disk it refuses writes, because databases do not survive that. It
// also stops the library in the one way that is safe (stop.go). On Raft it
// goes on through a change of the leader (insist.go).
//
// Raft (raft.go) corrects how the library reads its Raft log and its snapshots
// (raft_state.go), and knows when a peer has caught up with the others
// (raft_ready.go). Watched (watched.go) tells what a snapshot brings.
//
// Tracker (tracker.go) keeps the consensus from ever waiting for the tracker
// or for IPFS. Track and Untrack only note which CID has changed (queue.go).
// Workers then compare each noted CID with the state and with the operations
// of the library's tracker, and give that what is to be done (reconcile.go).
// What only the IPFS node can answer is asked on the side (ask.go), and is not
// asked about pins that are new (recent.go). Statuses count what is still noted
// (status.go) and tell how far a fetch is (progress.go). A recover compares all pins with IPFS (recover.go), and is
// repeated until it succeeds (passes.go).
//
// Pins wait for places (waiting.go) and are handed to the library's tracker when
// they have one (places.go). While pins wait, fetches that are slow lose their
// place and go on in the background, and fetches that take long give way and
// continue later (review.go).
//
// Connector (connector.go) makes pins wait for an IPFS node that is away,
// instead of failing (node.go knows whether it is).
package wrap
