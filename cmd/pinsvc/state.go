package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer"
)

// errDeclined is returned when a question was not answered with yes.
var errDeclined = errors.New("nothing was changed")

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Export, import, remove or examine the pinset of a stopped peer",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(a.exportCommand(), a.importCommand(), a.cleanupCommand(), a.crdtCommand())
	return cmd
}

func (a *app) exportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the pinset as JSON, a pin a line",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.writeTo(file, func(w io.Writer) error { return peer.ExportState(c.Context(), a.folder, w) })
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "write to this `file` instead of standard output")
	return cmd
}

// writeTo writes to the file, or to standard output when none is named.
func (a *app) writeTo(file string, write func(io.Writer) error) error {
	if file == "" {
		return write(a.out)
	}
	return writeFile(file, write)
}

// writeFile gives a file its new content only when all of it is there, so that
// a failed export leaves an older one alone.
func writeFile(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe, a terminal
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

func (a *app) importCommand() *cobra.Command {
	var force bool
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import [FILE]",
		Short: "Replace the pinset by an exported one",
		Long: `Replace the pinset by the one that "state export" wrote to FILE, or that is
read from standard input, plain or compressed with gzip.

The new pinset is written beside the old one and takes its place when it is
complete. An import that is interrupted, or whose input is broken or ends too
early, changes nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			in := bufio.NewReader(a.in) // one for the answer and the pins
			var source io.Reader = in
			if len(args) == 1 {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				source = f
			}
			if !force && !a.confirm(in, "The pinset of this peer will be replaced.") {
				return errDeclined
			}
			return a.importPins(c.Context(), source, o)
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "do not ask")
	f.register(cmd)
	return cmd
}

// errInterrupted is the cause with which a signal ends a command.
var errInterrupted = errors.New("interrupted")

// importGC lets an import collect garbage less often: next to nothing of what it
// allocates is alive.
const importGC = 400

// importPins imports and shows how far it is. The first signal ends it in order,
// a second one at once: the old pinset stays in both cases.
func (a *app) importPins(ctx context.Context, source io.Reader, o peer.ImportOptions) error {
	signalled, stop := untilSignal(ctx)
	defer stop()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(signalled, func() {
		end(errInterrupted)
		stop()
	})()

	if _, chosen := os.LookupEnv("GOGC"); !chosen {
		debug.SetGCPercent(importGC)
	}
	progress := newImportProgress(source)
	if progress.size == 0 {
		progress.from = interruptible(ctx, source)
	}
	o.Progress = progress.count
	showing, hide := context.WithCancel(ctx)
	var shown sync.WaitGroup
	if isTerminal(a.err) {
		shown.Go(func() { progress.show(showing, a.err) })
	}
	n, err := peer.ImportState(ctx, a.folder, progress, o)
	hide()
	shown.Wait()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "%s imported. Make sure that the other peers have the same.\n", counted(n, "pin"))
	return nil
}

func (a *app) cleanupCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove the pinset and all that the consensus has stored",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !force && !a.confirm(bufio.NewReader(a.in), "The pinset of this peer will be removed.") {
				return errDeclined
			}
			return peer.CleanState(c.Context(), a.folder)
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "do not ask")
	return cmd
}

// confirm asks on the error stream, since standard output may be a file.
func (a *app) confirm(in *bufio.Reader, what string) bool {
	fmt.Fprintf(a.err, "%s Continue? [y/N] ", what)
	answer, _ := in.ReadString('\n') // an end without an answer is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	fmt.Fprintln(a.err)
	return false
}
