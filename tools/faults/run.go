package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// ourPackage is what is built when no program of ours is given.
const ourPackage = "github.com/ipfs-cluster/pinsvc/cmd/pinsvc"

// runner runs scenarios one after the other.
type runner struct {
	options
	root           string // of the folders
	stdout, stderr io.Writer
}

func newRunner(ctx context.Context, o options, stdout, stderr io.Writer) (*runner, error) {
	r := &runner{options: o, root: o.dir, stdout: stdout, stderr: stderr}
	var err error
	if r.root == "" {
		r.root, err = os.MkdirTemp("", "pinsvc-faults-")
	} else {
		err = os.MkdirAll(r.root, 0o700)
	}
	if err == nil {
		r.root, err = filepath.Abs(r.root)
	}
	if err != nil {
		return nil, err
	}
	if r.pinsvc == "" {
		r.pinsvc = filepath.Join(r.root, "pinsvc")
		err = command(ctx, "go", "build", "-o", r.pinsvc, ourPackage)
	} else {
		r.pinsvc, err = filepath.Abs(r.pinsvc)
	}
	return r, err
}

// command runs a command to its end.
func command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// runAll runs the wanted scenarios, whatever becomes of the others.
func (r *runner) runAll(ctx context.Context) error {
	fmt.Fprintf(r.stdout, "faults: seed %d\n", r.seed)
	var failed []error
	for _, s := range scenarios() {
		if !r.wants(s.name) {
			continue
		}
		if err := r.runOne(ctx, s); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
		}
		if ctx.Err() != nil {
			failed = append(failed, ctx.Err())
			break
		}
	}
	if len(failed) > 0 {
		fmt.Fprintf(r.stdout, "faults: %d scenarios failed; the peers' folders, each with its daemon.log: %s\n", len(failed), r.root)
		return errors.Join(failed...)
	}
	if r.dir == "" {
		return os.RemoveAll(r.root)
	}
	return nil
}

// runOne runs a scenario, ends what it has started and prints its line.
func (r *runner) runOne(ctx context.Context, s scenario) error {
	fmt.Fprintf(r.stderr, "faults: %s: %s\n", s.name, s.about)
	e := &rig.Env{
		Dir:    filepath.Join(r.root, s.name),
		Pinsvc: process.Program{Name: "pinsvc", Path: r.pinsvc},
		Short:  r.short,
		Slack:  r.slack,
		Rand:   rand.New(rand.NewPCG(r.seed, 0)),
		Logf: func(format string, args ...any) {
			fmt.Fprintf(r.stderr, time.Now().Format("15:04:05 ")+s.name+": "+format+"\n", args...)
		},
	}
	start := time.Now()
	err := os.MkdirAll(e.Dir, 0o700)
	var counted counts
	if err == nil {
		counted, err = s.run(ctx, e)
	}
	e.Cleanup()
	verdict := "ok"
	if err != nil {
		verdict = "FAILED: " + err.Error()
	}
	fmt.Fprintf(r.stdout, "faults: %s: %s in %s: %s\n", s.name, verdict, time.Since(start).Round(time.Second), counted)
	if err == nil && r.dir == "" {
		err = os.RemoveAll(e.Dir)
	}
	return err
}
