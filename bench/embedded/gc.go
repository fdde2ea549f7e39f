package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// gcBlocks is how many blocks a store has when its garbage is collected. A pin
// needs half of them.
const gcBlocks = 100_000

// idleRuns is how many collections without garbage are measured in a process.
const idleRuns = 9

// collected is what the collections of a process answer: one that has garbage, and
// the median of those after it that have none.
type collected struct {
	done
	Idle  time.Duration
	Freed int
}

// filler makes a folder with a pinned DAG and garbage.
func filler(ctx context.Context, dir string, out io.Writer) error {
	n, err := openNode(ctx, dir)
	if err != nil {
		return err
	}
	defer n.Shutdown(ctx)
	for _, pinned := range []bool{true, false} {
		root, err := add(ctx, n, fmt.Sprint("gc", pinned), gcBlocks/2, 200)
		if err != nil {
			return err
		}
		if pinned {
			if err := n.Pin(ctx, api.PinWithOpts(api.NewCid(root), api.PinOptions{Mode: api.PinModeRecursive})); err != nil {
				return err
			}
		}
	}
	return json.NewEncoder(out).Encode("ready")
}

// gcRole collects the garbage of a folder.
func gcRole(ctx context.Context, dir string, out io.Writer) error {
	n, err := openNode(ctx, dir)
	if err != nil {
		return err
	}
	defer n.Shutdown(ctx)
	start := time.Now()
	report, err := n.RepoGC(ctx)
	c := collected{done: done{Took: time.Since(start)}, Freed: len(report.Keys)}
	err = errors.Join(err, textError(report.Error))
	var idle []time.Duration
	for range idleRuns {
		start := time.Now()
		report, more := n.RepoGC(ctx)
		idle = append(idle, time.Since(start))
		if len(report.Keys) > 0 {
			more = errors.New("garbage was left")
		}
		err = errors.Join(err, more, textError(report.Error))
	}
	if c.Idle = median(idle); err != nil {
		c.Error = err.Error()
	}
	return json.NewEncoder(out).Encode(c)
}

func textError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// measureGC returns how long a collection took that frees half of the blocks, and
// how long one after it that frees none.
func measureGC(ctx context.Context, program, base string) (half, none time.Duration, err error) {
	dir, err := os.MkdirTemp(base, "gc-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	var ready string
	if err := once(ctx, program, "filler", dir, &ready); err != nil {
		return 0, 0, err
	}
	var c collected
	if err := errors.Join(once(ctx, program, "gc", dir, &c), textError(c.Error)); err != nil {
		return 0, 0, err
	}
	if c.Freed < gcBlocks/2 {
		return 0, 0, fmt.Errorf("only %d blocks were freed", c.Freed)
	}
	return c.Took, c.Idle, nil
}

// once runs a program in a role that answers once.
func once(ctx context.Context, program, role, dir string, answer any) error {
	c, err := startProgram(ctx, program, role, dir)
	if err != nil {
		return err
	}
	return errors.Join(readJSON(c.out, answer), c.close())
}

// compareGC measures collections, the programs in turn.
func compareGC(ctx context.Context, o options, programs map[string]string, names []string, out io.Writer) error {
	const freeing, idle = "gc of 100,000", "gc, no garbage"
	times := map[string]map[string][]time.Duration{freeing: {}, idle: {}}
	for i := range o.runs {
		for _, name := range names {
			half, none, err := measureGC(ctx, programs[name], o.base)
			if err != nil {
				return fmt.Errorf("%s, garbage collection: %w", name, err)
			}
			fmt.Fprintf(out, "%-14s run %d  %-8s %7.3f s, and without garbage %.3f s\n", freeing, i+1, name, half.Seconds(), none.Seconds())
			times[freeing][name] = append(times[freeing][name], half)
			times[idle][name] = append(times[idle][name], none)
		}
	}
	report(out, freeing, times[freeing])
	report(out, idle, times[idle])
	return nil
}
