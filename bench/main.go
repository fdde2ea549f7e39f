// Command bench measures a peer over HTTP, beside ipfs-cluster-service or another
// build of ours when told so, and prints a table: lists, memory, start, paging, writes, rates in turns, the
// arrival of pins at a second peer, and imports. It generates the pins, imports them, runs
// real peers against a stand-in for IPFS that answers at once, and checks every
// answer against what was generated: a wrong one is an error of ours, and a
// remark about anybody else.
//
// The way through it: options.go is the command line, setup.go gets the
// programs and contender.go their peers, cases.go is the list of what is measured, each case
// in a file of its own; client.go asks, sample.go repeats and writers.go
// writes; check.go knows the right answers, report.go prints.
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what the arguments ask for. The table goes to stdout, progress
// to stderr. The table is printed also when a case has failed or an answer of
// ours was wrong, which is then the error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := newBench(o, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	b.report.machine("before")
	if err := b.setup(ctx); err != nil {
		return err
	}
	err = b.runCases(ctx)
	b.report.machine("after")
	b.report.print(stdout)
	return errors.Join(err, b.report.err())
}
