package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable returns a text that is safe to show on a terminal and in a log.
// Names of pins and peers, and errors that quote them, come from other people:
// characters that move the cursor, end the line, change the direction of the
// text or are invisible are replaced by Go escapes such as \x1b, \n and \u202e.
func printable(text string) string { return escaped(text, false) }

// printableLines is printable for our own texts of several lines. Lines after
// the first are indented, so that none of them can be mistaken for another
// message.
func printableLines(text string) string { return escaped(text, true) }

// escaped implements both. Bytes that are not UTF-8 are escaped one by one.
func escaped(text string, lines bool) string {
	var out strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case visible(r):
			out.WriteRune(r)
		case lines && r == '\n':
			out.WriteRune(r)
			if rest := text[i+1:]; rest != "" && !strings.HasPrefix(rest, "  ") {
				out.WriteString("  ")
			}
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\r':
			out.WriteString(`\r`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&out, `\x%02x`, r)
		default:
			out.WriteString(escapedRune(r))
		}
	}
	return out.String()
}

// visible reports whether a character may be written to a terminal as it is.
// The zero-width joiners are invisible but part of words and emoji.
func visible(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsPrint(r) || r == nonJoiner || r == joiner
}

// escapedRune returns the Go escape of a character outside of ASCII.
func escapedRune(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// writeJSON writes a value as indented JSON. It uses JSON escapes where
// printable uses Go escapes, so that the output is safe on a terminal and a
// parser reads the original text.
func writeJSON(out io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	var safe bytes.Buffer
	for _, r := range string(text) {
		switch {
		case visible(r) || r == '\n':
			safe.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&safe, `\u%04x`, r)
		}
	}
	safe.WriteByte('\n')
	_, err = safe.WriteTo(out)
	return err
}
