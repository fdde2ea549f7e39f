package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	logging "github.com/ipfs/go-log/v2"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestFold(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"a long line", 0, "a long line"},
		{"short\n", 20, "short\n"},
		{"one two three four five six\nx", 20, "one two three four\n  five six\nx"},
		{"  one two three four five", 20, "  one two three four\n    five"},
		{"User:   admin, with the password", 20, "User:   admin, with\n        the password"},
		{"/a/very/long/path/that/stays b", 20, "/a/very/long/path/that/stays\n  b"},
		{`shown now; "pinsvc -c /f token" makes`, 20, "shown now;\n  \"pinsvc -c /f token\"\n  makes"},
		{"start it ('pinsvc --help'), or not", 20, "start it\n  ('pinsvc --help'),\n  or not"},
		{"the peer's \"pinsvc is open, and stays so", 20, "the peer's \"pinsvc\n  is open, and stays\n  so"},
		{"é é é é é é é é é é é", 21, "é é é é é é é é é é é"},
	} {
		require.Equal(t, c.want, fold(c.text, c.width), c.text)
	}
}

// The help of every command fits 80 columns.
func TestHelpIsNarrow(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Parent() != nil && strings.HasPrefix(c.CommandPath(), "pinsvc completion") {
			return // cobra's own
		}
		var out bytes.Buffer
		require.Zero(t, run(t.Context(), append(strings.Fields(c.CommandPath())[1:], "--help"), streams{nil, &out, &out}))
		for _, line := range strings.Split(out.String(), "\n") {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%s: %s", c.CommandPath(), line)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).rootCommand())
}

// A file or a pipe gets every message on one line, and tables as tables.
func TestPipeIsNotFolded(t *testing.T) {
	var out bytes.Buffer
	long := strings.Repeat("word ", 100)
	printFolded(&out, "%s\n", long)
	require.Equal(t, long+"\n", out.String())
	out.Reset()
	printTable(&out, "Title", table.Row{"A", "B"}, []table.Row{{long, 1}})
	require.Contains(t, out.String(), "+---")
}

func TestNoColor(t *testing.T) {
	env := func(values map[string]string) func(string) string {
		return func(name string) string { return values[name] }
	}
	require.Equal(t, logging.ColorizedOutput, logFormat(logging.ColorizedOutput, env(nil)))
	require.Equal(t, logging.PlaintextOutput, logFormat(logging.ColorizedOutput, env(map[string]string{"NO_COLOR": "1"})))
	require.Equal(t, logging.JSONOutput, logFormat(logging.JSONOutput, env(map[string]string{"NO_COLOR": "1"})))
	require.Equal(t, logging.ColorizedOutput, logFormat(logging.ColorizedOutput,
		env(map[string]string{"NO_COLOR": "1", "GOLOG_LOG_FMT": "color"})))
}
