// Package shards keeps the parts of sharded adds together.
//
// A sharded add leaves three kinds of pins: one shard pin for each group of
// blocks, a cluster DAG pin whose block links to the shards, and the root (the
// library's meta pin), which refers to the cluster DAG. The root is the only one
// that users see and remove. Shards are named by their content, so that two adds
// of similar data share some.
//
// A Keeper knows every part of the pinset (index.go), which shards a cluster DAG
// links to (links.go), and which adds of this peer are under way (adds.go). It
// decides whether a part is needed (needed.go), finds roots that lack parts and
// pins these again (check.go, repair.go), and removes parts that no root needs
// (collect.go, orphans.go).
//
// The index holds candidates, and the state decides: every answer is compared
// with the state before something is written. What the peers of a cluster do at
// the same time is not coordinated. A peer that removes a root may not have
// received another peer's root that needs the same shards yet; then these shards
// are gone for a while, the second root is not `pinned`, and a peer that has it
// pins the shards again.
package shards
