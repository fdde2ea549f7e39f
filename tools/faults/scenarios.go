package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// scenario is one thing that goes wrong.
type scenario struct {
	name  string
	about string
	// run returns what is counted, also when it fails: when something was
	// lost, or late.
	run func(context.Context, *rig.Env) (counts, error)
}

func scenarios() []scenario {
	return []scenario{
		{"kill", "one peer is killed again and again under writers", kill},
		{"killone", "one of three peers after the other is killed under writers, and the whole pinsets are compared", killOne},
		{"frozen", "one of three peers is frozen, and thawed", frozen},
		{"wiped", "one of three peers loses all but its identity", wiped},
		{"replication", "one of three peers accepts thousands of pins, and another comes back to them", replication},
		{"heads", "a peer announces changes again and again that nobody has", undeliverable},
		{"partition", "two peers and one do not hear each other, and all are written to", partition},
		{"ipfs", "the Kubo of a peer is stopped under queued pins and writers", ipfsGone},
		{"disk", "the disks of a datastore and of an embedded node are full", diskFull},
		{"imports", "imports and cleanups of the pinset are killed, interrupted and find no space", imports},
		{"slow", "pins that come slowly or from nobody wait before pins with a ready provider", slow},
		{"blocks", "blocks of embedded nodes are truncated, flipped and gone, at one peer and at all", blocksDamaged},
		{"load", "200 clients use everything at once, also with the race detector", load},
		{"guesses", "hundreds of connections send made-up credentials", guesses},
		{"descriptors", "a peer with few open files has more idle connections than that", descriptors},
		{"hostile", "malformed requests, and the inputs of the fuzz tests, in every place", hostile},
		{"memory", "lists of large pins, clients that do not read, endless bodies and uploads, in 1 GiB", memory},
	}
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// counts are what a scenario has counted, in order.
type counts []count

type count struct {
	what string
	n    int
}

func (c counts) String() string {
	words := make([]string, len(c))
	for i, one := range c {
		words[i] = fmt.Sprintf("%s %d", one.what, one.n)
	}
	return strings.Join(words, ", ")
}
