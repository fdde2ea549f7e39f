// Package consensus is the way of every write of a peer to the cluster's state, around the
// component of ipfs-cluster that replicates it.
//
// A write (durable.go) holds the lock of its CID (keylock.go), keeps the pin's `created` and
// is refused when it is too large to replicate (created.go), and returns when the local state
// shows the change (visible.go) and it is on disk. A full disk refuses writes, which
// databases do not survive. On Raft a write goes on through a change of the leader
// (retry.go). Writes of sharded adds merge with what other roots need (sharded.go). A
// shutdown waits for the writes under way (shutdown.go).
//
// Feed (changes.go) tells everybody else what a commit has changed.
package consensus
