// Package view keeps the pinset of a peer in memory, ordered by `created`, so that a list
// costs the length of its page and not that of the pinset.
//
// # Index
//
// The index (index.go) has the items (item.go, meta.go) by created, by name and by CID
// (order.go). It is built from a scan of the local state (scan.go, read.go, load.go),
// follows the change feed (observe.go), and is compared with the state periodically, which
// should find nothing. An item takes about 170 bytes: 48 for the struct, its CID, name and
// meta in one string, and its places in three B-trees.
//
// # Statuses
//
// Nearly every pin of a healthy cluster is pinned. So the status table (status.go) does not
// store a status for each pin, but the latest list of unpinned CIDs of each peer, which
// poll.go requests at most once a second, and an index of the pins that are not pinned
// (unpinned.go). A pin that changed after a peer's list was made is queued there until
// the next list. No list calls a pin pinned that no peer has reported as such.
//
// # Lists
//
// A list (select.go, filter.go) reads a copy-on-write snapshot of index and table, which
// costs constant time, and needs no lock. Counts are exact: the trees count their items, so
// the number of pins between two values of created, or of one name, is a matter of two
// binary searches, and that of one status is the length of a tree. Only filters by meta and
// by a part of the name visit every item of their span.
//
// The view is derived from the state: losing it loses nothing.
package view
