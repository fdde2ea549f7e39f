// Package raft is the library's Raft consensus component with four corrections of how it
// reads its log and its snapshots: raft.go replaces parts of it that it does not export,
// state.go applies entries and snapshots, and ready.go finds out when a peer that starts
// has caught up with the others.
package raft
