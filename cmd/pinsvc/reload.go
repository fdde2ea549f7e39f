package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

// reloadCommand returns the command that makes a running daemon read its users
// again. Unlike a plain SIGHUP it reports the result: it waits for the answer
// of the daemon, which is a file in the folder.
func (a *app) reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Make the running daemon read its users again",
		Long: `Make the daemon that runs on the folder read basic_auth_credentials of both
API sections again, as SIGHUP does, and wait until it has.

Tokens of users that were changed or removed end at once. With a mistake in the
configuration the daemon keeps the users that it has. Anything else in the
configuration takes a restart. The daemon's own CLUSTER_* variables count, those
of this command do not.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			pid, err := folder.AskReload(c.Context(), a.folder)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "The daemon (process %d) uses the users that are configured now.\n", pid)
			return nil
		},
	}
}
