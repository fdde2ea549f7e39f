package main

import (
	"fmt"
	"regexp"
	"strings"
)

// anything is the wildcard in an expected line, for CIDs, tokens, times and
// peer IDs, which differ in each run.
const anything = "..."

// compare compares the end of an output with the expected lines, in which "..."
// stands for any text within a line. Output before them is ignored, because
// documents show only the interesting end. The error shows the difference.
func compare(want []string, output string) error {
	got := lines(output)
	if len(got) < len(want) {
		return fmt.Errorf("printed %d lines, the document shows %d", len(got), len(want))
	}
	got = got[len(got)-len(want):]
	for i := range want {
		if !pattern(want[i]).MatchString(got[i]) {
			return fmt.Errorf("printed %q, the document shows %q", got[i], want[i])
		}
	}
	return nil
}

// pattern converts an expected line to a regular expression.
func pattern(line string) *regexp.Regexp {
	parts := strings.Split(strings.TrimRight(line, " "), anything)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + " *$")
}
