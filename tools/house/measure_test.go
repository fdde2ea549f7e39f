package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name, source     string
		filled, comments int
	}{
		{"nothing but the clause", "package a\n", 1, 0},
		{"no line break at the end", "package a", 1, 0},
		{"a comment", "// Package a does.\npackage a\n", 2, 1},
		{"blank lines do not count", "// A.\n\n\npackage a\n\t\n", 2, 1},
		{"code with a comment is code", "package a // a\n\nvar b = 1 // b\n", 2, 0},
		{"a block, its blank line left out", "/* A\n\nB */\npackage a\n", 3, 2},
		{"a block that ends before code", "/* A\nB */ package a\n", 2, 1},
		{"a comment in a string is code", "package a\n\nvar b = `\n// b\n\n`\n", 4, 0},
		{"a directive is code", "//go:build linux\n\npackage a\n", 2, 0},
		{"line breaks of Windows", "// A.\r\npackage a\r\n", 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := measure("a.go", []byte(c.source))
			require.NoError(t, err)
			require.Equal(t, c.filled, f.filled, "lines that are not blank")
			require.Equal(t, c.comments, f.comments, "comments")
		})
	}
}

func TestFunctions(t *testing.T) {
	const source = `package a

// one is one line.
func one() {}

func (*T[K]) two(
	a, b int, // in two lines
	_ string, more ...any,
) {
	func() { println() }()
}

func (t S) three(int, string) (x, y int) { return }

func elsewhere()
`
	f, err := measure("a/a.go", []byte(source))
	require.NoError(t, err)
	require.Equal(t, []function{
		{name: "one", path: "a/a.go", line: 4, lines: 1},
		{name: "T.two", path: "a/a.go", line: 6, lines: 6, parameters: 4},
		{name: "S.three", path: "a/a.go", line: 13, lines: 1, parameters: 2},
	}, f.functions)
	require.Equal(t, []name{{"one", "func"}, {"elsewhere", "func"}}, f.names)
}

func TestPercentile(t *testing.T) {
	of := func(lines ...int) (all []function) {
		for _, n := range lines {
			all = append(all, function{lines: n})
		}
		return all
	}
	require.Zero(t, percentile(nil, 90))
	require.Equal(t, 7, percentile(of(7), 50))
	require.Equal(t, 2, percentile(of(9, 1, 2, 3), 50))
	require.Equal(t, 9, percentile(of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 90))
	require.Equal(t, 10, percentile(of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 91))
	require.Equal(t, 10, percentile(of(10, 9, 8), 100))
}

func TestRepeatedNames(t *testing.T) {
	declares := func(folder string, names ...name) pkg {
		return pkg{folder: folder, files: []file{{names: names}}}
	}
	run, entry := name{"run", "func"}, name{"entry", "type"}
	all := repeatedNames([]pkg{
		declares("a", run, entry, name{"New", "func"}),
		declares("b", run, entry, name{"New", "func"}),
		declares("c", run, run, name{"New", "func"}, name{"entry", "func"}),
		declares("tools/d", entry),
	})
	require.Equal(t, []repeated{{run, []string{"a", "b", "c"}}, {entry, []string{"a", "b"}}}, all)
}
