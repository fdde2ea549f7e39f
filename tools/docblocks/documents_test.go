package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

// TestReadme: it stays short, and has two pictures that are in the repository.
func TestReadme(t *testing.T) {
	text := read(t, "README.md")
	require.LessOrEqual(t, len(lines(text)), 110)
	pictures := regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1)
	require.Len(t, pictures, 2)
	for _, picture := range pictures {
		content := read(t, picture[1])
		require.Less(t, len(content), 50_000, picture[1])
	}
}

// TestQuickstart: each kind of people gets by with twelve commands.
func TestQuickstart(t *testing.T) {
	all, err := stories(root)
	require.NoError(t, err)
	found := 0
	for _, s := range all {
		if s.file != "docs/quickstart.md" {
			continue
		}
		found++
		commands := 0
		for _, st := range s.steps {
			joined := regexp.MustCompile(`([|\\])\n`).ReplaceAllString(st.script, "$1 ")
			commands += len(lines(joined))
			require.NotContains(t, joined, "&&", s.name)
			require.NotContains(t, joined, ";", s.name)
		}
		require.LessOrEqual(t, commands, 12, s.name)
	}
	require.Equal(t, 3, found)
}

// TestTables: what is named here is in the documents and in the sandbox.
func TestTables(t *testing.T) {
	all, err := stories(root)
	require.NoError(t, err)
	names, left := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		names[s.name] = true
		for _, st := range s.steps {
			if !s.runs(st) {
				left[s.file+": "+lines(st.script)[0]] = true
			}
		}
	}
	for name, n := range given {
		require.True(t, names[name], name)
		for folder, file := range map[string]string{"before": n.before, "after": n.after} {
			if file != "" {
				require.FileExists(t, filepath.Join("sandbox", folder, file))
			}
		}
	}
	require.Len(t, left, len(notRun))
	require.LessOrEqual(t, len(notRun), 3, "these are few")
}

// TestLinks: links between the documents lead to files and headings that are there.
func TestLinks(t *testing.T) {
	files, err := documents(root)
	require.NoError(t, err)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, file := range append(files, "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "findings/README.md") {
		for _, match := range link.FindAllStringSubmatch(read(t, file), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(match[1], "#")
			if path == "" {
				path = file
			} else {
				path = filepath.Join(filepath.Dir(file), path)
			}
			require.FileExists(t, filepath.Join(root, path), "%s links to %s", file, match[1])
			if anchor != "" {
				require.Contains(t, anchors(read(t, path)), anchor, "%s links to %s", file, match[1])
			}
		}
	}
}

// TestPaths: folders and files that the documents for maintainers name are there.
func TestPaths(t *testing.T) {
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir(filepath.Join(root), func(_ string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), ".git") {
			return filepath.SkipDir
		}
		names[e.Name()] = true
		return err
	}))
	path := regexp.MustCompile("`([a-zA-Z0-9._/-]+(?:/|\\.go|\\.sh|\\.md))`")
	files, err := filepath.Glob(filepath.Join(root, "docs", "decisions", "*.md"))
	require.NoError(t, err)
	require.Len(t, files, 7, "six decisions and their list")
	for i, file := range files {
		files[i], err = filepath.Rel(root, file)
		require.NoError(t, err)
	}
	for _, file := range append(files, "CONTRIBUTING.md", "docs/architecture.md", "docs/releasing.md") {
		found := path.FindAllStringSubmatch(read(t, file), -1)
		if file == "docs/architecture.md" {
			require.Greater(t, len(found), 30)
		}
		for _, match := range found {
			if name := match[1]; strings.Contains(strings.TrimSuffix(name, "/"), "/") {
				_, err := os.Stat(filepath.Join(root, name))
				require.NoError(t, err, "%s names %s", file, name)
			} else {
				require.True(t, names[strings.TrimSuffix(name, "/")], "%s names %s", file, name)
			}
		}
	}
}

// TestDecisions: a record has the parts that its reader looks for, and is in the list.
func TestDecisions(t *testing.T) {
	list := read(t, "docs/decisions/README.md")
	entries, err := os.ReadDir(filepath.Join(root, "docs", "decisions"))
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() == "README.md" {
			continue
		}
		text := read(t, "docs/decisions/"+e.Name())
		title, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		number, title, found := strings.Cut(title, ". ")
		require.True(t, found, e.Name())
		require.Contains(t, list, number+". ["+title+"]("+e.Name()+")")
		at := 0
		for _, part := range []string{"Context", "Decision", "Alternatives", "Consequences", "When to look again"} {
			i := strings.Index(text[at:], "\n## "+part+"\n")
			require.GreaterOrEqual(t, i, 0, "%s: %s", e.Name(), part)
			at += i
		}
	}
}

// anchors are those that GitHub gives to the headings of a text.
func anchors(text string) (all []string) {
	dropped := regexp.MustCompile(`[^a-z0-9 _-]`)
	for _, line := range lines(text) {
		if heading := strings.TrimLeft(line, "#"); heading != line && strings.HasPrefix(heading, " ") {
			name := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			all = append(all, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return all
}
