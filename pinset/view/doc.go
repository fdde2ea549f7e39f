// Package view keeps a peer's pinset in memory, ordered by `created`, so that
// a list costs what is on its page instead of what is in the pinset.
//
// The index (index.go) is the pinset: items (item.go, meta.go) by created, by
// name and by CID (order.go). The view (view.go) keeps it equal to the local
// state: it is built by a scan and compared with the state now and then
// (scan.go), and follows the changes that the tracker and the consensus tell
// (follow.go). The board (board.go) has the pins that are not pinned
// (exceptions.go), by what peers last said (refresh.go asks them). A list (select.go, filter.go) takes a
// copy of both, which costs nothing, and reads without a lock.
//
// The view is derived: losing it loses nothing.
package view
