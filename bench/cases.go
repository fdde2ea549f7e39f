package main

import (
	"context"
	"fmt"
)

// benchCase is one thing that is measured.
type benchCase struct {
	name  string
	alone bool // works on peers of its own, not on those with the imported pins
	reads bool // makes no sense without imported pins
	run   func(*bench, context.Context) error
}

// cases are all of them, in the order in which they run: first those that only
// read, since the right answers are known best then.
func cases() []benchCase {
	return []benchCase{
		{name: "list", reads: true, run: (*bench).lists},
		{name: "start", reads: true, run: (*bench).start},
		{name: "walk", reads: true, run: (*bench).walks},
		{name: "kubo", reads: true, run: (*bench).kubo},
		{name: "rates", reads: true, run: (*bench).rates},
		{name: "post", run: (*bench).posts},
		{name: "queued", run: (*bench).queued},
		{name: "arrival", alone: true, run: (*bench).arrivals},
		{name: "import", alone: true, reads: true, run: (*bench).imports},
	}
}

func caseNames() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// selected returns the cases that shall run.
func (b *bench) selected() []benchCase {
	var out []benchCase
	for _, c := range cases() {
		if b.options.wants(c.name) && (b.set.N > 0 || !c.reads) {
			out = append(out, c)
		}
	}
	return out
}

// runCases runs the selected cases. The peers with the imported pins end before
// the cases that do not need them.
func (b *bench) runCases(ctx context.Context) error {
	for _, c := range b.selected() {
		b.progress("case %s", c.name)
		if c.alone {
			b.stopPeers()
		}
		if err := c.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}
