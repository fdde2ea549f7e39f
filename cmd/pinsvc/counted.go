package main

import "github.com/dustin/go-humanize"

// counted returns a number with its noun, "1 pin" or "1,234 pins". Every
// message with a number in front of a noun uses it; the plural of the noun ends
// in s.
func counted[N int | int64 | uint64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// grouped returns a number with commas between its thousands, "1,234".
func grouped[N int | int64 | uint64](n N) string { return humanize.Comma(int64(n)) }
