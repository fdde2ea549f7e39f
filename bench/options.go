package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// options is the command line.
type options struct {
	pins     int
	beside   bool
	against  string
	viewless bool
	pinsvc   string
	service  string
	ipfs     string
	only     []string
	requests int
	budget   time.Duration
	rounds   int
	duration time.Duration
	writers  int
	queued   int
	arrivals int
	crdt     process.Options // of ours: batching and rebroadcast
	dir      string
	markdown bool
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	var only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.pins, "pins", 10_000, "pins to import")
	f.BoolVar(&o.beside, "beside", false, "run ipfs-cluster-service beside ours, for ratios")
	f.StringVar(&o.against, "against", "", "another build of ours to run beside the current one, for ratios")
	f.BoolVar(&o.viewless, "viewless", false, "run a peer of ours beside it that has no view of the pinset, for what the view costs")
	f.StringVar(&o.pinsvc, "pinsvc", "", "our program (default: built from this tree)")
	f.StringVar(&o.service, "service", "", "the program to run beside (default: built by tools/build.sh)")
	f.StringVar(&o.ipfs, "ipfs", "", "a Kubo program, for the case kubo (left out without)")
	f.StringVar(&only, "only", "", "comma-separated cases: "+strings.Join(caseNames(), ", ")+" (default: all)")
	f.IntVar(&o.requests, "requests", 20, "requests of each kind")
	f.DurationVar(&o.budget, "budget", time.Minute, "time after which a program is asked no more of a kind (at least 3 requests)")
	f.IntVar(&o.rounds, "rounds", 3, "rounds of each writing case, alternating between programs")
	f.DurationVar(&o.duration, "duration", 5*time.Second, "length of a writing round")
	f.IntVar(&o.writers, "writers", 8, "concurrent writers")
	f.IntVar(&o.queued, "queued", 10_000, "pins that are queued in the case queued")
	f.IntVar(&o.arrivals, "arrivals", 10_000, "pins that have to arrive in the case arrival")
	f.IntVar(&o.crdt.BatchSize, "batch-size", 0, "crdt.batching.max_batch_size of ours (default: as init writes it)")
	f.DurationVar(&o.crdt.BatchAge, "batch-age", 0, "crdt.batching.max_batch_age of ours")
	f.DurationVar(&o.crdt.Rebroadcast, "rebroadcast", 0, "crdt.rebroadcast_interval of ours (default: as init writes it)")
	f.StringVar(&o.dir, "dir", "", "where the peers' folders go, and stay; on tmpfs the disk does not count (default: a temporary folder)")
	f.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	return o, o.validate()
}

func (o *options) validate() error {
	for _, name := range o.only {
		if !slices.Contains(caseNames(), name) {
			return fmt.Errorf("-only: unknown case %q; there are %s", name, strings.Join(caseNames(), ", "))
		}
	}
	if o.pins < 0 || o.pins > 5_000_000 {
		return fmt.Errorf("-pins: %d is not from 0 to 5,000,000", o.pins)
	}
	for flag, v := range map[string]int{
		"requests": o.requests, "rounds": o.rounds, "writers": o.writers,
		"queued": o.queued, "arrivals": o.arrivals,
	} {
		if v < 1 {
			return fmt.Errorf("-%s: %d is less than 1", flag, v)
		}
	}
	return nil
}

// wants tells whether a case shall run.
func (o *options) wants(name string) bool {
	return len(o.only) == 0 || slices.Contains(o.only, name)
}
