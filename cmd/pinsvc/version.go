package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/ipfs-cluster/ipfs-cluster/version"
	"github.com/spf13/cobra"
)

// versionCommand returns the command that prints the versions, in one line with
// the form that --version also prints.
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
	info, _ := debug.ReadBuildInfo()
	return describeBuild(release, commit, info)
}

// describeBuild is versionText for what the Makefile has linked, if it has
// built the program, and what the go command has; info may be nil. `go install`
// of a version knows the version only, and `go build` in a work tree the
// commit.
func describeBuild(release, commit string, info *debug.BuildInfo) string {
	module := ""
	if info != nil {
		module = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = cmp.Or(commit, s.Value)
			}
		}
	}
	return fmt.Sprintf("pinsvc %s, ipfs-cluster %s, commit %s",
		cmp.Or(release, module, "(devel)"), version.Version, cmp.Or(commit, "unknown"))
}
