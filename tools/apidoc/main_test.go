package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// root is the module's folder.
const root = "../.."

func TestPageIsUpToDate(t *testing.T) {
	want, err := render(root)
	require.NoError(t, err)
	have, err := os.ReadFile(filepath.Join(root, pageFile))
	require.NoError(t, err)
	require.True(t, string(want) == string(have), "%s is not what %s says: run `make docs`", pageFile, sourceFile)
}

// Every link within the page has its end, and every end is there once.
func TestLinks(t *testing.T) {
	text, err := render(root)
	require.NoError(t, err)
	ends := make(map[string]int)
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllSubmatch(text, -1) {
		ends[string(m[1])]++
	}
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllSubmatch(text, -1)
	require.NotEmpty(t, links)
	for _, m := range links {
		require.Equal(t, 1, ends[string(m[1])], "%s", m[1])
	}
}

func TestText(t *testing.T) {
	for source, want := range map[string]string{
		"":                           "",
		"one\ntwo":                   "<p>one\ntwo</p>",
		"one\n\ntwo `<b>`\n":         "<p>one</p>\n<p>two <code>&lt;b&gt;</code></p>",
		"## A\n\n- one\n  more\n- 2": "<h2>A</h2>\n<ul>\n<li>one\nmore</li>\n<li>2</li>\n</ul>",
	} {
		got, err := text(source)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	for _, source := range []string{"    code", "a **b**", "[a](b)", "1. one", "> quote", "```\nx\n```", "## A\nb"} {
		_, err := text(source)
		require.Error(t, err, source)
	}
}

func TestWordsRefuses(t *testing.T) {
	for _, s := range []*openapi3.Schema{
		{},
		{Type: &openapi3.Types{"number"}},
		{AllOf: openapi3.SchemaRefs{{Value: &openapi3.Schema{}}}},
	} {
		_, err := words(&openapi3.SchemaRef{Value: s})
		require.Error(t, err)
	}
}
