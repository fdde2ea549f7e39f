// Command docblocks runs the shell blocks of README.md and docs/**/*.md, as they
// stand, in the order of their document, and compares what they print with what
// the document shows. sharness/t0600-docs.sh runs it.
//
//	go run ./tools/docblocks             from the module's folder, all documents
//	go run ./tools/docblocks -list       their names
//	go run ./tools/docblocks -only TEXT  those whose name contains the text
//
// markdown.go finds the blocks, stories.go groups them and names what is not run
// and why, run.go runs a story in the sandbox of sandbox/enter.sh, expect.go
// compares. In the sandbox, default ports are free and the machine may be changed:
// it has a network, process IDs, /etc, /home, /usr/local/bin, /var/lib and /run of
// its own. git, make, Go, Kubo, ipfs-cluster-service, ipfs-cluster-ctl, Caddy and
// our program are real; sudo, systemctl and apt-get are stand-ins (sandbox/stubs).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	root, only string
	list       bool
	at         int           // stories at a time
	limit      time.Duration // of a block
	keep       bool
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "the module's `folder`")
	flag.StringVar(&o.only, "only", "", "run the stories whose name contains `TEXT`")
	flag.BoolVar(&o.list, "list", false, "print the names of the stories and run nothing")
	flag.IntVar(&o.at, "j", 3, "how many stories run at a time")
	flag.DurationVar(&o.limit, "limit", 5*time.Minute, "how long a block may take")
	flag.BoolVar(&o.keep, "keep", false, "leave the folders of the stories")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "docblocks:", err)
		os.Exit(1)
	}
}

// run runs the chosen stories and prints a line for each: "ok NAME", "skip
// NAME" or "FAILED NAME", the last one after the output of the block that
// failed. sharness reads these lines.
func run(ctx context.Context, o options, out io.Writer) error {
	all, err := stories(o.root)
	if err != nil {
		return err
	}
	var chosen []story
	for _, s := range all {
		if strings.Contains(s.name, o.only) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no story has %q in its name", o.only)
	}
	if o.list {
		for _, s := range chosen {
			fmt.Fprintln(out, s.name)
		}
		return nil
	}
	m, err := newMachine(ctx, o)
	if errors.Is(err, errNoNamespaces) && os.Getuid() != 0 {
		for _, s := range chosen {
			fmt.Fprintln(out, result{name: s.name, skip: err.Error()})
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer m.close()
	return m.runAll(ctx, chosen, out)
}

// runAll runs several stories concurrently. It runs all of them, even after a
// failure, and then returns an error.
func (m *machine) runAll(ctx context.Context, all []story, out io.Writer) error {
	var wg sync.WaitGroup
	var mu sync.Mutex // of out and failed
	failed := 0
	places := make(chan struct{}, max(1, m.at))
	for _, s := range all {
		wg.Add(1)
		places <- struct{}{}
		go func() {
			defer func() { <-places; wg.Done() }()
			r := m.story(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			if r.err != nil {
				failed++
			}
			fmt.Fprintln(out, r)
		}()
	}
	wg.Wait()
	if failed > 0 {
		return fmt.Errorf("%d of %d stories failed", failed, len(all))
	}
	return nil
}
