// Package pinset makes the pins that the benchmark works with: any number of
// them, the same ones at every run, each computed from its number alone. So a
// million of them need no memory, and what a list has to answer is known.
//
// pin.go is one pin, set.go the set and its order, export.go the set in the
// format that `state import` reads.
package pinset
