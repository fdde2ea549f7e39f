package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// ourPackage is what is built when no program of ours is given.
const ourPackage = "github.com/ipfs-cluster/pinsvc/cmd/pinsvc"

// bench is one run of the benchmark.
type bench struct {
	options    options
	set        fixture.Set
	dir        string
	contenders []*contender // the one beside first, then ours
	report     *report
	stderr     io.Writer
}

func newBench(o options, stderr io.Writer) (*bench, error) {
	b := &bench{options: o, set: fixture.Set{N: o.pins}, dir: o.dir, stderr: stderr, report: &report{markdown: o.markdown}}
	if b.dir != "" {
		return b, os.MkdirAll(b.dir, 0o700)
	}
	dir, err := os.MkdirTemp("", "pinsvc-bench-")
	b.dir = dir
	return b, err
}

// close ends everything that was started and removes what was written, unless
// the caller chose where.
func (b *bench) close() {
	b.stopPeers()
	for _, c := range b.contenders {
		if c.stub != nil {
			c.stub.Close()
		}
	}
	if b.options.dir == "" {
		os.RemoveAll(b.dir)
	}
}

func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(b.stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// setup finds the programs and, when a case needs them, starts their peers with
// the pins imported.
func (b *bench) setup(ctx context.Context) error {
	if err := b.findPrograms(ctx); err != nil {
		return err
	}
	if !slices.ContainsFunc(b.selected(), func(c benchCase) bool { return !c.alone }) {
		return nil
	}
	file := filepath.Join(b.dir, "export")
	if err := b.export(file); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, c := range b.contenders {
		group.Go(func() error { return b.load(groupCtx, c, file) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, c := range b.contenders {
		if err := c.startPeer(ctx); err != nil {
			return err
		}
	}
	return nil
}

// findPrograms gets the programs: the given ones, or built ones.
func (b *bench) findPrograms(ctx context.Context) error {
	if b.options.beside {
		path := b.options.service
		if path == "" {
			out, err := output(ctx, "tools/build.sh", "ipfs-cluster-service")
			if err != nil {
				return fmt.Errorf("%w (run it from the root of the tree, or pass -service)", err)
			}
			path = out
		}
		b.contend(path, false)
	}
	if b.options.against != "" {
		path, err := filepath.Abs(b.options.against)
		if err != nil {
			return err
		}
		b.contend(path, true)
	}
	if b.options.viewless {
		path, err := b.build(ctx, "viewless", "-ldflags", "-X main.viewless=yes")
		if err != nil {
			return err
		}
		b.contend(path, true)
	}
	path := b.options.pinsvc
	if path == "" {
		var err error
		if path, err = b.build(ctx, "pinsvc"); err != nil {
			return err
		}
	}
	b.contend(path, true)
	return nil
}

// build makes a program of ours from this tree.
func (b *bench) build(ctx context.Context, name string, flags ...string) (path string, err error) {
	b.progress("building %s", name)
	path = filepath.Join(b.dir, name)
	args := append([]string{"build", "-o", path}, flags...)
	_, err = output(ctx, "go", append(args, ourPackage)...)
	return path, err
}

// contend adds a program. A pin of its peers may hang as long as it likes:
// pins that are held must not turn into failed ones.
func (b *bench) contend(path string, ours bool) {
	name := filepath.Base(path)
	if slices.Contains(b.report.columns, name) {
		name = path // two builds of one program
	}
	c := &contender{program: process.Program{Name: name, Path: path}, ours: ours}
	if ours {
		c.options = b.options.crdt
	}
	c.options.PinTimeout = time.Hour
	b.contenders = append(b.contenders, c)
	b.report.columns = append(b.report.columns, name)
}

// output runs a command and returns what it prints.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (b *bench) export(file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := b.set.Export(out); err != nil {
		return err
	}
	return out.Close()
}

func (b *bench) stopPeers() {
	for _, c := range b.contenders {
		if c.peer != nil {
			c.peer.Stop()
			c.peer = nil
		}
	}
}
