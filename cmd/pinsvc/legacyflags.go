package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// doubleDashes returns the arguments with a second dash for each long flag that
// has only one ("-bootstrap"): ipfs-cluster-service accepts both forms, and
// this program must start with the same command line. Words that are no flag of
// ours stay, and so does everything after "--".
func doubleDashes(root *cobra.Command, args []string) []string {
	names := map[string]bool{}
	collectFlags(root, names)
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, one := strings.CutPrefix(arg, "-")
		name, _, _ = strings.Cut(name, "=")
		if one && len(name) > 1 && names[string(alias(nil, name))] {
			args[i] = "-" + arg
		}
	}
	return args
}

// collectFlags adds the long names of all flags of a command and of its
// subcommands.
func collectFlags(c *cobra.Command, names map[string]bool) {
	add := func(f *pflag.Flag) { names[f.Name] = true }
	c.Flags().VisitAll(add)
	c.PersistentFlags().VisitAll(add)
	for _, sub := range c.Commands() {
		collectFlags(sub, names)
	}
}

// alias maps the short names that ipfs-cluster-service has for some flags to
// ours.
func alias(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "rmin":
		name = "replication-min"
	case "rmax":
		name = "replication-max"
	case "allocs":
		name = "allocations"
	}
	return pflag.NormalizedName(name)
}
