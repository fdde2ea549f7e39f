package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "embedded:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("embedded", flag.ContinueOnError)
	kubo := flags.String("kubo", "", "the ipfs program to compare with; without it there is no comparison")
	pinsvc := flags.String("pinsvc", "", "the pinsvc program, to measure the memory of its peers; without it that is left out")
	runs := flags.Int("runs", 5, "measurements of each, at least 1")
	only := flags.String("only", "", "the only DAG to measure: \"100 MB\", \"10,000 blocks\" or \"none\", or \"gc\" to measure garbage collections")
	other := flags.String("other", "", "this program built from another tree, to compare with")
	dir := flags.String("dir", "", "where folders are made; default: the system's temporary folder")
	role := flags.String("role", "", "for the processes that this one starts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch *role {
	case "source":
		return source(ctx, *dir, in, out)
	case "pinner":
		return pinner(ctx, *dir, in, out)
	case "filler":
		return filler(ctx, *dir, out)
	case "gc":
		return gcRole(ctx, *dir, out)
	}
	base, err := os.MkdirTemp(*dir, "bench-embedded-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	return compare(ctx, options{base: base, kubo: *kubo, pinsvc: *pinsvc, other: *other, runs: max(*runs, 1), only: *only}, out)
}

// contestant is a node in another process that can pin.
type contestant interface {
	// pin returns how long it took from asking until the pin was durable.
	pin(ctx context.Context, cid string, origins []string) (time.Duration, error)
	close() error
}

// options of a comparison.
type options struct {
	base         string // where folders are made
	kubo, pinsvc string // programs, or none
	other        string // another build of this one, or none
	runs         int
	only         string // DAG, "gc", "none" or all
}

func compare(ctx context.Context, o options, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if o.only == "gc" {
		names := []string{"embedded"}
		if o.other != "" {
			names = append(names, "other")
		}
		return compareGC(ctx, o, map[string]string{"embedded": self, "other": o.other}, names, out)
	}
	src, err := startSource(ctx, self, o.base)
	if err != nil {
		return err
	}
	defer src.close()
	origins := map[string][]string{"embedded": src.offer.Origins, "kubo": src.offer.Origins}
	starts := map[string]func(dir string) (contestant, error){
		"embedded": func(dir string) (contestant, error) { return startPinner(ctx, self, dir) },
	}
	names := []string{"embedded"}
	if o.other != "" { // with a source of its own: both ends are compared
		theirs, err := startSource(ctx, o.other, filepath.Join(o.base, "other"))
		if err != nil {
			return err
		}
		defer theirs.close()
		names = append(names, "other")
		origins["other"] = theirs.offer.Origins
		starts["other"] = func(dir string) (contestant, error) { return startPinner(ctx, o.other, dir) }
	}
	if o.kubo != "" {
		names = append(names, "kubo")
		starts["kubo"] = func(dir string) (contestant, error) { return startKubo(ctx, o.kubo, dir) }
	}
	for _, dag := range src.offer.DAGs {
		if o.only != "" && o.only != dag.Name {
			continue
		}
		times := make(map[string][]time.Duration)
		for i := range o.runs {
			for _, name := range names {
				took, stalls, err := measure(ctx, o.base, starts[name], dag.Root, origins[name])
				if err != nil {
					return fmt.Errorf("%s, %s: %w", name, dag.Name, err)
				}
				if stalls > 0 {
					fmt.Fprintf(out, "%-14s run %d  %-8s stalled for %s, %d times\n", dag.Name, i+1, name, stallTime, stalls)
				}
				fmt.Fprintf(out, "%-14s run %d  %-8s %7.3f s\n", dag.Name, i+1, name, took.Seconds())
				times[name] = append(times[name], took)
			}
		}
		report(out, dag.Name, times)
	}
	if o.pinsvc == "" {
		return nil
	}
	return memory(ctx, o.base, o.pinsvc, out)
}

// A measurement that takes longer than stallTime is made again, up to so many
// times: a Kubo without routing now and then drops its only peer, and then
// waits for ever.
const (
	stallTime = time.Minute
	maxStalls = 5
)

func measure(ctx context.Context, base string, start func(string) (contestant, error), root string, origins []string) (took time.Duration, stalls int, err error) {
	for ; ; stalls++ {
		took, err = measureOnce(ctx, base, start, root, origins)
		if !errors.Is(err, context.DeadlineExceeded) || stalls == maxStalls {
			return took, stalls, err
		}
	}
}

func measureOnce(ctx context.Context, base string, start func(string) (contestant, error), root string, origins []string) (time.Duration, error) {
	dir, err := os.MkdirTemp(base, "node-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	c, err := start(dir)
	if err != nil {
		return 0, err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, stallTime)
	defer cancel()
	return c.pin(ctx, root, origins)
}

func report(out io.Writer, name string, times map[string][]time.Duration) {
	mine := median(times["embedded"])
	fmt.Fprintf(out, "%-14s median embedded %.3f s", name, mine.Seconds())
	for _, name := range []string{"kubo", "other"} {
		if theirs := median(times[name]); theirs > 0 {
			fmt.Fprintf(out, ", %s %.3f s, embedded is %.2f times as fast", name, theirs.Seconds(),
				theirs.Seconds()/mine.Seconds())
		}
	}
	fmt.Fprintln(out)
}

func median(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

// readJSON reads one line.
func readJSON(r *bufio.Reader, value any) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, value)
}
