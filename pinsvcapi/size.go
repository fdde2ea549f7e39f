package pinsvcapi

import (
	"unicode/utf8"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// resultBytes is what a result of a list has beside its texts, in bytes.
const resultBytes = 300

// pinSize returns about how many bytes a pin has in a result, and, as long as it
// has few characters that JSON escapes, in memory.
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

// statusSize returns how many bytes of a result are about the pin's status.
func statusSize(s pinStatus) (n int) {
	for k, v := range s.info {
		n += textSize(k) + textSize(v)
	}
	for _, d := range s.delegates {
		n += textSize(d)
	}
	return n
}

// textSize returns how many bytes a text has as JSON, with what separates it from
// the next. No character takes more than `\u0000`.
func textSize(text string) int {
	n := len(text) + len(`"":`)
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ':
			n += 5
		case c == '"' || c == '\\':
			n++
		}
	}
	if !utf8.ValidString(text) {
		n += 5 * len(text)
	}
	return n
}
