package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// service returns the path of ipfs-cluster-service or ipfs-cluster-ctl, built
// once and kept.
func service(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join("..", "..", "tools", "build.sh"), name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// TestEveryFlag: what the help of ipfs-cluster-service lists is there.
func TestEveryFlag(t *testing.T) {
	t.Setenv(pathVariable, newFolder(t)) // some help needs one
	program := service(t, "ipfs-cluster-service")
	root := (&app{}).rootCommand()
	option := regexp.MustCompile(`(?m)^ +(-[-a-z]+(?: [a-zA-Z-]+)?(?:, -[-a-z]+)*)`)
	seen := 0
	var walk func(path ...string)
	walk = func(path ...string) {
		command, _, err := root.Find(path)
		require.NoError(t, err)
		require.Equal(t, strings.Join(append([]string{"pinsvc"}, path...), " "), command.CommandPath())
		out, err := exec.Command(program, append(path, "--help")...).Output()
		require.NoError(t, err)
		_, options, _ := strings.Cut(string(out), "OPTIONS:")
		for _, line := range option.FindAllString(options, -1) {
			for word := range strings.FieldsSeq(strings.ReplaceAll(line, ",", " ")) {
				if strings.HasPrefix(word, "-") {
					requireFlag(t, command, word)
					seen++
				}
			}
		}
		_, commands, _ := strings.Cut(string(out), "COMMANDS:")
		commands, _, _ = strings.Cut(commands, "OPTIONS:")
		for _, found := range regexp.MustCompile(`(?m)^ +([a-z-]+)(?:, [a-z]+)? {2,}`).FindAllStringSubmatch(commands, -1) {
			if found[1] != "help" {
				walk(append(path[:len(path):len(path)], found[1])...)
			}
		}
	}
	walk()
	requireFlag(t, root.Commands()[0].Root(), "--leave") // which its help hides
	require.Greater(t, seen, 40)
}

// requireFlag expects a command to have a flag: "--config" or "-c".
func requireFlag(t *testing.T, c *cobra.Command, word string) {
	t.Helper()
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	name := strings.TrimLeft(word, "-")
	flags := c.Flags()
	flags.AddFlagSet(c.InheritedFlags())
	if len(name) == 1 {
		require.NotNil(t, flags.ShorthandLookup(name), "%s %s", c.CommandPath(), word)
		return
	}
	require.NotNil(t, flags.Lookup(string(alias(nil, name))), "%s %s", c.CommandPath(), word)
}

func TestDashes(t *testing.T) {
	root := (&app{}).rootCommand()
	for _, c := range []struct{ in, out string }{
		{"-config x daemon", "--config x daemon"},
		{"-config=x daemon -bootstrap /ip4/1.2.3.4", "--config=x daemon --bootstrap /ip4/1.2.3.4"},
		{"state import -rmin 2 -allocs=a -f file", "state import --rmin 2 --allocs=a -f file"},
		{"-c x -lerror -d", "-c x -lerror -d"},
		{"--config x -no-such", "--config x -no-such"},
		{"state import -f -- -config", "state import -f -- -config"},
		{"- -- -", "- -- -"},
	} {
		require.Equal(t, strings.Fields(c.out), doubleDashes(root, strings.Fields(c.in)))
	}
}
