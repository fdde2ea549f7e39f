package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireCommand checks that a command line, without the program's name, is one
// that the program has, with flags that it knows. It runs nothing.
func requireCommand(t *testing.T, line string) {
	t.Helper()
	root := (&app{}).rootCommand()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(strings.Fields(line))
	require.NoError(t, err, line)
	require.NoError(t, cmd.ParseFlags(rest), line)
	require.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()), line)
}

// fileLines are the lines of a file of the repository.
func fileLines(t *testing.T, path ...string) (lines []string) {
	t.Helper()
	f, err := os.Open(filepath.Join(append([]string{"..", ".."}, path...)...))
	require.NoError(t, err)
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

func TestSystemdUnit(t *testing.T) {
	found := 0
	for _, line := range fileLines(t, "docs", "systemd", "pinsvc.service") {
		if key, command, _ := strings.Cut(line, "="); strings.HasPrefix(key, "Exec") {
			args, is := strings.CutPrefix(command, "/usr/local/bin/pinsvc ")
			require.True(t, is, "where `make install` puts it: %s", line)
			requireCommand(t, args)
			found++
		}
	}
	require.Equal(t, 2, found)
}

// TestImage: what the image starts is a command, and what it is built from is
// not left out of what the builder gets.
func TestImage(t *testing.T) {
	dockerfile := strings.Join(fileLines(t, "Dockerfile"), "\n")
	cmd := regexp.MustCompile(`(?m)^CMD \["(.*)"\]$`).FindStringSubmatch(dockerfile)
	require.NotNil(t, cmd)
	requireCommand(t, strings.ReplaceAll(cmd[1], `", "`, " "))
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(strings.Join(fileLines(t, "go.mod"), "\n"))
	require.Contains(t, dockerfile, "FROM golang:"+goVersion[1]+"-")

	ignore := fileLines(t, ".dockerignore")
	for _, p := range list(t, "-deps", "./cmd/pinsvc") {
		if within(p.ImportPath, module) {
			top, _, _ := strings.Cut(strings.TrimPrefix(p.ImportPath, module+"/"), "/")
			require.Contains(t, ignore, "!"+top)
		}
	}
}

// TestCommandsInTheDocuments: commands that a reader is told to type, in blocks and
// in sentences, have the names, flags and arguments that the program has.
func TestCommandsInTheDocuments(t *testing.T) {
	block := regexp.MustCompile(`(?:^\s*|\$\(|\| |sudo |-u pinsvc |=\S+ )(?:bin/)?pinsvc ([^|>;)&\\#]+)`)
	sentence := regexp.MustCompile("`(?:sudo |-u pinsvc )*(?:bin/)?pinsvc ((?:--config [^ `]+ )?[a-z][^`|>]*)")
	found := 0
	for _, path := range documents(t) {
		command := sentence
		for _, line := range fileLines(t, path) {
			switch {
			case line == "```sh":
				command = block
			case line == "```":
				command = sentence
			}
			for _, match := range command.FindAllStringSubmatch(line, -1) {
				t.Run(path+" "+match[0], func(t *testing.T) { requireCommand(t, match[1]) })
				found++
			}
		}
	}
	require.Greater(t, found, 50)
}

// documents are README.md and all of docs, from the module's folder.
func documents(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md"}
	require.NoError(t, filepath.WalkDir("../../docs", func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			all = append(all, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
		}
		return err
	}))
	return all
}
