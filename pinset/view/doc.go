// Package view keeps the pinset of a peer in memory, ordered by `created`, so that a list
// costs the length of its page and not that of the pinset.
//
// The index (index.go) has the items (item.go, meta.go) by created, by name and by CID
// (order.go). It is built from a scan of the local state (scan.go, read.go,
// load.go), follows the change feed (observe.go), and is compared with the state
// periodically. The status table (status.go) has the latest reports of the peers, which
// poll.go requests, and an index of the pins that are not pinned (unpinned.go). A list
// (select.go, filter.go) reads a copy-on-write snapshot of both, without a lock.
//
// The view is derived from the state: losing it loses nothing.
package view
