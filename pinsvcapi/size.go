package pinsvcapi

import (
	"unicode/utf8"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// resultBytes is the size of a result of a list without its texts, in bytes.
const resultBytes = 300

// pinSize estimates the size of a pin in a result, in bytes. It is also that in memory,
// unless JSON escapes many of its characters.
func pinSize(p pinset.Pin) int {
	n := resultBytes + textSize(p.Name)
	for k, v := range p.Meta {
		n += textSize(k) + textSize(v)
	}
	for _, o := range p.Origins {
		n += textSize(o)
	}
	return n
}

// statusSize estimates the size of the pin's status in a result, in bytes.
func statusSize(s pinStatus) (n int) {
	for k, v := range s.info {
		n += textSize(k) + textSize(v)
	}
	for _, d := range s.delegates {
		n += textSize(d)
	}
	return n
}

// textSize bounds the size of a text as JSON with its separator, in bytes. No character
// takes more than `\u0000`.
func textSize(text string) int {
	n := len(text) + len(`"":`)
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ':
			n += 5 // one byte becomes the six of an escape
		case c == '"' || c == '\\':
			n++
		}
	}
	if !utf8.ValidString(text) {
		n += 5 * len(text)
	}
	return n
}
