package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
)

// options is the command line.
type options struct {
	only   []string
	short  bool
	slack  float64
	seed   uint64
	pinsvc string
	dir    string
	list   bool
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	var only string
	f := flag.NewFlagSet("faults", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&only, "only", "", "comma-separated scenarios: "+strings.Join(scenarioNames(), ", ")+" (default: all)")
	f.BoolVar(&o.short, "short", false, "less of everything: four minutes in all, instead of an hour")
	f.Float64Var(&o.slack, "slack", 1, "multiplies every bound of time, for a machine that does something else too")
	f.Uint64Var(&o.seed, "seed", rand.Uint64(), "of what happens at random")
	f.StringVar(&o.pinsvc, "pinsvc", "", "our program (default: built from this tree)")
	f.StringVar(&o.dir, "dir", "", "where the peers' folders go, and stay (default: a temporary folder, which stays when something failed)")
	f.BoolVar(&o.list, "list", false, "print the scenarios and what they do")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(scenarioNames(), name) {
			return o, fmt.Errorf("-only: unknown scenario %q; there are %s", name, strings.Join(scenarioNames(), ", "))
		}
	}
	if o.slack < 1 {
		return o, fmt.Errorf("-slack: %g is less than 1", o.slack)
	}
	return o, nil
}

// wants tells whether a scenario shall run.
func (o *options) wants(name string) bool {
	return len(o.only) == 0 || slices.Contains(o.only, name)
}
