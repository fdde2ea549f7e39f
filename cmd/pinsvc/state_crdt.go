package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

// crdtCommand returns the commands for the DAG of a CRDT pinset, with the names
// of ipfs-cluster-service. They are for the diagnosis of peers whose pinsets
// differ.
func (a *app) crdtCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "crdt",
		Short: "Examine and mark the DAG in which a CRDT pinset is stored",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(a.crdtInfoCommand(), a.crdtDotCommand(), a.crdtMarkCommand("dirty", true,
		"Have the next start of the peer walk the whole DAG and repair it"),
		a.crdtMarkCommand("clean", false, "Remove the mark of mark-dirty"))
	return cmd
}

// crdtInfoCommand returns the command that prints the heads. The first line has
// the form of ipfs-cluster-service; the lines after it are ours.
func (a *app) crdtInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Print the heads of the DAG and what the last walk found",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			info, err := folder.InspectCRDT(c.Context(), a.folder)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "Number of heads: %d. Current max-height: %d. Dirty: %t\nHeads: %s\n",
				len(info.Heads), info.MaxHeight, info.Dirty, info.Heads)
			if info.Walk.Ended.IsZero() {
				fmt.Fprintln(a.out, "Last walk: never")
			} else {
				fmt.Fprintf(a.out, "Last walk: %s, because %s: %s\n", info.Walk.Ended.Format(time.RFC3339), info.Walk.Reason, info.Walk)
			}
			if info.Unchecked {
				fmt.Fprintln(a.out, "The next start of the peer walks the DAG and fetches what is missing.")
			}
			return nil
		},
	}
}

// crdtDotCommand returns the command that writes the DAG for Graphviz.
func (a *app) crdtDotCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "dot",
		Short: "Write the DAG in the DOT language, which can be very large",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.writeTo(file, func(w io.Writer) error { return folder.DrawCRDT(c.Context(), a.folder, w) })
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "write to this `file` instead of standard output")
	return cmd
}

// crdtMarkCommand returns mark-dirty or mark-clean. The mark takes effect at
// the next start, when the peer can fetch missing nodes from others.
func (a *app) crdtMarkCommand(word string, dirty bool, short string) *cobra.Command {
	return &cobra.Command{
		Use:   "mark-" + word,
		Short: short,
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := folder.MarkCRDT(c.Context(), a.folder, dirty); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "Datastore marked '%s'\n", word)
			return nil
		},
	}
}
