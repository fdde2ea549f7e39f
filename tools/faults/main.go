// Command faults lets things go wrong around real peers, and sees that nothing
// that was acknowledged is lost: peers that are killed, frozen, wiped and cut
// off, an IPFS node that goes away, full disks, load and hostile input.
//
// options.go is the command line, scenarios.go the list of scenarios, each in files
// of its own; package rig has the peers, clients and writers that they use.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// run runs the scenarios that the arguments ask for, and prints a line with
// counts for each to stdout; progress goes to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.list {
		for _, s := range scenarios() {
			fmt.Fprintf(stdout, "%-12s %s\n", s.name, s.about)
		}
		return nil
	}
	r, err := newRunner(ctx, o, stdout, stderr)
	if err != nil {
		return err
	}
	return r.runAll(ctx)
}
