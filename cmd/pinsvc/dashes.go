package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// twoDashes returns the arguments with the flags that are written as
// ipfs-cluster-service also takes them, with one dash ("-bootstrap"), as the
// flags of this program are.
func twoDashes(root *cobra.Command, args []string) []string {
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

// collectFlags adds the long names of the flags of a command and of those
// below it.
func collectFlags(c *cobra.Command, names map[string]bool) {
	add := func(f *pflag.Flag) { names[f.Name] = true }
	c.Flags().VisitAll(add)
	c.PersistentFlags().VisitAll(add)
	for _, sub := range c.Commands() {
		collectFlags(sub, names)
	}
}

// alias gives a flag its whole name: ipfs-cluster-service has shorter ones for
// some.
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
