// Package shards keeps the parts of sharded adds together: parts that a root needs stay in
// the pinset, and come back when they are lost; parts without a root are removed.
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
// The index holds candidates, and the state decides: every result of the index is
// compared with the state before anything is written. Checks are scheduled by the
// change feed (Observe), repairs by rank: each root has an order of peers, and each
// further peer waits longer, so that one repair is made as a rule.
//
// Peers of a cluster are not coordinated otherwise. A peer that removes a root may not
// have received another peer's root that needs the same shards yet. Then these shards
// are missing for a while, the second root is not `pinned`, and a peer that has the
// second root pins the shards again.
package shards
