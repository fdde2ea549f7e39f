package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const fence = "```"

func TestParse(t *testing.T) {
	blocks, err := parse("# Title\n\n" + fence + "sh\necho a\n\necho b\n" + fence + "\n\n- an item\n\n    with a paragraph\n\n## Two\n\n" +
		fence + "text\na\n" + fence + "\n")
	require.NoError(t, err)
	require.Equal(t, []block{
		{line: 3, lang: "sh", text: "echo a\n\necho b\n"},
		{line: 15, section: "Two", lang: "text", text: "a\n"},
	}, blocks)
}

// TestNothingEscapes: commands in another form than a block that is run.
func TestNothingEscapes(t *testing.T) {
	for name, text := range map[string]string{
		"indented":         "Run\n\n    rm -r peers\n",
		"without language": fence + "\nls\n" + fence + "\n",
		"unknown language": fence + "zsh\nls\n" + fence + "\n",
		"in a list":        "- do\n\n  " + fence + "sh\n  ls\n  " + fence + "\n",
		"open":             fence + "sh\nls\n",
	} {
		_, err := parse(text)
		require.ErrorContains(t, err, "line ", name)
	}
}

func TestSteps(t *testing.T) {
	blocks, err := parse(fence + "sh\necho a\n" + fence + "\nIt prints\n\n" + fence + "text\na\n" + fence + "\n" +
		fence + "console\n$ echo b |\n> cat\nb\n$ true\n" + fence + "\n" + fence + "json\n{}\n" + fence + "\n")
	require.NoError(t, err)
	got := steps(blocks)
	require.Len(t, got, 2)
	require.Equal(t, "echo a\n", got[0].script)
	require.Equal(t, []string{"a"}, got[0].want)
	require.Equal(t, "echo b |\ncat\ntrue\n", got[1].script)
	require.Equal(t, []string{"b"}, got[1].want)
}

func TestCompare(t *testing.T) {
	require.NoError(t, compare([]string{"CID: Qm...", "a.b"}, "noise\nCID: QmX\na.b\n"))
	require.ErrorContains(t, compare([]string{"CID: Qm...", "a.b"}, "CID: QmX\naxb\n"), `"axb"`)
	require.ErrorContains(t, compare([]string{"a", "b"}, "b\n"), "2")
	require.Error(t, compare([]string{"a"}, "a\nmore\n"), "the end of the output counts")
	require.Error(t, compare([]string{"a"}, ""))
}
