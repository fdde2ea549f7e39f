package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onTerminal returns what a function writes to a terminal of 80 columns.
func onTerminal(t *testing.T, write func(*os.File)) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	defer master.Close()
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}))
	var out bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&out, master) // ends with EIO when the terminal is closed
	}()
	write(terminal)
	require.NoError(t, terminal.Close())
	<-read
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

// requireNarrow: nothing is wider than 80 columns but words that stay whole, and
// there are no colours.
func requireNarrow(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "\x1b")
	for _, line := range strings.Split(text, "\n") {
		if utf8.RuneCountInString(line) > 80 {
			words := strings.Fields(regexp.MustCompile(`["']pinsvc [^"']*["']`).ReplaceAllString(line, "COMMAND"))
			if len(words) > 1 && strings.HasSuffix(words[0], ":") {
				words = words[1:] // the label of what follows
			}
			require.Len(t, words, 1, "could be folded: %s", line)
		}
	}
}

// What a newcomer meets first fits a terminal.
func TestTerminal(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("long-", 8)+"name")
	command := func(args ...string) string {
		return onTerminal(t, func(f *os.File) {
			run(t.Context(), append([]string{"--config", folder}, args...), streams{f, f, f})
		})
	}
	none := command("daemon")
	require.Contains(t, none, "no service.json in")
	requireNarrow(t, none)
	made := command("init", "--randomports")
	before, after, found := strings.Cut(made, "\n  ipfs pin remote service add ")
	require.True(t, found, made)
	line, after, _ := strings.Cut(after, "\n")
	require.Len(t, strings.Fields(line), 3, "the command is whole, to be copied")
	requireNarrow(t, before+after)
	require.Contains(t, after, "Next:")
	require.Contains(t, before, `"pinsvc --config `+folder+` token"`, "commands are not broken")
	exists := command("init")
	require.Contains(t, exists, "exists already")
	requireNarrow(t, exists)
	requireNarrow(t, command("status"))
	token := strings.Fields(line)[2]
	for _, again := range []string{none, exists, command("status"), command("version")} {
		require.NotContains(t, again, token, "the token is shown once")
	}
}

// A table that is too wide becomes a list.
func TestTableOnTerminal(t *testing.T) {
	cid := "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
	text := onTerminal(t, func(f *os.File) {
		printTable(f, "Failed last", table.Row{"CID", "Name", "Reason"},
			[]table.Row{{cid, "", strings.Repeat("no block arrived ", 8)}, {cid, "b", "timed out"}})
		printTable(f, "Pins", table.Row{"Pinned"}, []table.Row{{7}})
	})
	requireNarrow(t, text)
	require.Contains(t, text, "CID:       "+cid)
	require.NotContains(t, text, "Name:      \n")
	require.Contains(t, text, "| PINNED |")
}
