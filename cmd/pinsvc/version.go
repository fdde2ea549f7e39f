package main

import (
	"fmt"
	"runtime/debug"

	"github.com/ipfs-cluster/ipfs-cluster/version"
	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and of the library",
		Args:  noArgs,
		Run:   func(*cobra.Command, []string) { fmt.Fprintln(a.out, versionText()) },
	}
}

// versionText names the program, the library and the commit.
func versionText() string {
	program, revision := "(devel)", commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			program = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && revision == "" {
				revision = s.Value
			}
		}
	}
	if revision == "" {
		revision = "unknown"
	}
	return fmt.Sprintf("pinsvc %s, ipfs-cluster %s, commit %s", program, version.Version, revision)
}
