package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	logging "github.com/ipfs/go-log/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// nasty is what a terminal must not get from a name: colours, a cleared
// screen, a new line, the title of the window by a control character of
// Latin-1, text from right to left, and bytes that are no text.
const nasty = "a\x1b[2J\x1b]0;t\x07\nFAKE\r\x00\x7f\u009b31m\u202egnp\u2066\ufeff\U000e0041\xff\xfe"

// isClean fails for a text that has any of it, but may have lines.
func isClean(t *testing.T, text string) {
	t.Helper()
	require.True(t, utf8.ValidString(text))
	for _, r := range text {
		require.True(t, r == '\n' || visible(r), "%q in %q", r, text)
	}
	require.NotContains(t, text, "\nFAKE")
}

func TestPrintable(t *testing.T) {
	for text, wants := range map[string]string{
		"": "",
		"naïve 日本語 👩‍👩‍👧 a\\nb": "naïve 日本語 👩‍👩‍👧 a\\nb",
		"\x1b[31mred":            `\x1b[31mred`,
		"a\nb\r\tc":              `a\nb\r\tc`,
		"\x00\x7f\u0085\u009b":   `\x00\x7f\u0085\u009b`,
		"\u202e\u2028\U000e0041": `\u202e\u2028\U000e0041`,
		"\xff\ufffd":             `\xff` + "\ufffd",
	} {
		require.Equal(t, wants, printable(text))
	}
	require.Equal(t, "a\n  \\x1bb\n  c\n", printableLines("a\n\x1bb\n  c\n"), "lines after the first are indented")
	isClean(t, printable(nasty))
}

// TestReportIsPrintable: names and errors of pins and peers, for people and as
// JSON.
func TestReportIsPrintable(t *testing.T) {
	line := peerLine{ID: "id", Name: nasty, Version: nasty, IPFS: nasty, Error: nasty}
	r := report{Peer: line, Peers: []peerLine{line}, Reasons: []string{nasty}, Missing: []string{nasty}}
	r.addPin(api.GlobalPinInfo{Name: nasty, PeerMap: map[string]api.PinInfoShort{
		"a": {PeerName: nasty, Status: api.TrackerStatusPinQueued, TS: time.Now(), Error: nasty},
		"b": {PeerName: nasty, Status: api.TrackerStatusPinError, TS: time.Now(), Error: nasty},
	}}, 5)
	var out bytes.Buffer
	r.print(&out)
	isClean(t, out.String())
	require.Equal(t, 13, strings.Count(out.String(), `\x1b[2J`), out.String())

	out.Reset()
	require.NoError(t, writeJSON(&out, r))
	isClean(t, out.String())
	var back report
	require.NoError(t, json.Unmarshal(out.Bytes(), &back))
	require.Equal(t, strings.ToValidUTF8(nasty, "\ufffd")+"\ufffd", back.Peers[0].Name, "a parser reads the same")
}

// TestErrorsArePrintable: an error may quote what it was given.
func TestErrorsArePrintable(t *testing.T) {
	folder := newFolder(t)
	for _, args := range [][]string{
		{"state", "import", "-f", "/not/there" + strings.NewReplacer("\x00", "", "\n", "").Replace(nasty)},
		{"state", "import", "--allocations", "x" + strings.ReplaceAll(nasty, "\n", "")},
		{"token", "--user", nasty},
		{nasty},
	} {
		text := refuse(t, "", append([]string{"-c", folder}, args...)...)
		require.NotContains(t, text, "\x1b")
		require.NotContains(t, text, "\u202e")
	}
}

// TestLogsArePrintable: one line for a message, whatever is in it.
func TestLogsArePrintable(t *testing.T) {
	for _, format := range []logging.LogFormat{logging.PlaintextOutput, logging.ColorizedOutput} {
		var out bytes.Buffer
		log := zap.New(zapcore.NewCore(newSafeEncoder(format), zapcore.AddSync(&out), zapcore.DebugLevel)).Named("x").Sugar()
		log.Errorf("pinning %s", nasty)
		log.With("name", nasty).Infow("write", "query", nasty)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		require.Len(t, lines, 2)
		for _, line := range lines {
			for _, colour := range []string{"\x1b[31m", "\x1b[34m", "\x1b[0m"} {
				line = strings.Replace(line, colour, "", 1)
			}
			isClean(t, strings.ReplaceAll(line, "\t", ""))
			require.Contains(t, line, "FAKE")
		}
		out.Reset()
		log.Debug("several\nlines\x1b")
		require.Contains(t, out.String(), "several\n  lines\\x1b")
	}
	core, err := safeCore(logging.Config{Format: logging.JSONOutput, Stderr: true})
	require.NoError(t, err)
	require.Nil(t, core, "it escapes by itself")
}
