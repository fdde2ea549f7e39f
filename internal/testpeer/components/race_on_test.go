//go:build race

package components

// raceEnabled: Raft's log cannot be opened under the race detector, which
// checks pointers that its database computes.
const raceEnabled = true
