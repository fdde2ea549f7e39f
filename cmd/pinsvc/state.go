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

	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

// errDeclined is returned when the user did not confirm a question with yes.
var errDeclined = errors.New("nothing was changed")

// stateCommand returns the commands for the pinset of a peer that is stopped.
// The datastore is locked: with a running daemon they fail, and change nothing.
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

// exportCommand returns the command that writes the pinset, in the format that
// ipfs-cluster-service reads.
func (a *app) exportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the pinset as JSON, a pin a line",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.writeTo(file, func(w io.Writer) error { return folder.ExportState(c.Context(), a.folder, w) })
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "write to this `file` instead of standard output")
	return cmd
}

// writeTo writes to the file, or to standard output if the name is empty.
func (a *app) writeTo(file string, write func(io.Writer) error) error {
	if file == "" {
		return write(a.out)
	}
	return writeFile(file, write)
}

// writeFile replaces the content of a file when all of the new content is on
// disk, so that a failed export leaves an older one intact. Pipes and devices
// cannot be replaced by renaming, and are written directly.
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

// importCommand returns the command that replaces the pinset. It asks first, as
// ipfs-cluster-service does, since the old pinset is gone afterwards.
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

// errInterrupted is the cause of the cancellation when a signal interrupts a
// command.
var errInterrupted = errors.New("interrupted")

// importGC is the garbage collector's percentage during an import, which collects
// less often than usual: next to nothing of what an import allocates stays alive.
const importGC = 400

// importPins imports pins and shows the progress. The first signal cancels the
// import in order, the second ends the process at once; the old pinset stays in
// place in both cases, because the new one takes its place only at the end.
func (a *app) importPins(ctx context.Context, source io.Reader, o folder.ImportOptions) error {
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
	n, err := folder.ImportState(ctx, a.folder, progress, o)
	hide()
	shown.Wait()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "%s imported. Make sure that the other peers have the same.\n", counted(n, "pin"))
	return nil
}

// cleanupCommand returns the command that removes the pinset, with everything
// that the consensus has stored. A CRDT peer gets the pinset of its cluster
// again when it starts.
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
			return folder.CleanState(c.Context(), a.folder)
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "do not ask")
	return cmd
}

// confirm asks a question on the error stream, since standard output may be a
// file. Anything but yes, including the end of the input, is a no.
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
