package pinset

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Match is a text matching strategy (spec, schema TextMatchingStrategy).
type Match string

const (
	matchExact    Match = "exact"
	matchIExact   Match = "iexact"
	matchPartial  Match = "partial"
	matchIPartial Match = "ipartial"
)

// Matches are the values of the match parameter.
var Matches = []Match{matchExact, matchIExact, matchPartial, matchIPartial}

// Name is a filter by name.
type Name struct {
	text string // folded when the case does not matter
	how  Match
}

// Exactly returns the only name that passes, if there is only one.
func (n *Name) Exactly() (string, bool) { return n.text, n.how == matchExact }

// Matches reports whether a name passes. It allocates no memory.
func (n *Name) Matches(name string) bool {
	switch n.how {
	case matchExact:
		return name == n.text
	case matchPartial:
		return strings.Contains(name, n.text)
	case matchIExact:
		rest, ok := cutFolded(name, n.text)
		return ok && rest == ""
	default:
		return containsFolded(name, n.text)
	}
}

// containsFolded reports whether a name contains a folded text, ignoring case.
func containsFolded(name, text string) bool {
	if text == "" {
		return true
	}
	first := text[0]
	for name != "" {
		// Most letters of most names are ASCII, and not the first one.
		if b := name[0]; b < utf8.RuneSelf && lower(b) != first {
			name = name[1:]
			continue
		}
		if _, ok := cutFolded(name, text); ok {
			return true
		}
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:]
	}
	return false
}

// cutFolded cuts a folded prefix off a name, ignoring case.
func cutFolded(name, text string) (rest string, ok bool) {
	for text != "" {
		if name == "" {
			return "", false
		}
		if a, b := name[0], text[0]; a < utf8.RuneSelf && b < utf8.RuneSelf {
			if lower(a) != b {
				return "", false
			}
			name, text = name[1:], text[1:]
			continue
		}
		a, n := utf8.DecodeRuneInString(name)
		b, m := utf8.DecodeRuneInString(text)
		if foldRune(a) != b {
			return "", false
		}
		name, text = name[n:], text[m:]
	}
	return name, true
}

// fold maps every letter to one representative of its case forms (Unicode
// simple folding), so that strings which differ only in case become equal.
func fold(s string) string {
	return strings.Map(foldRune, s)
}

// foldRune returns the smallest rune of r's folding orbit, in lower case when
// that is an ASCII letter (the Kelvin sign folds to k).
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return rune(lower(byte(r)))
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least < utf8.RuneSelf {
		return rune(lower(byte(least)))
	}
	return least
}

// lower returns an ASCII letter in lower case, and anything else as it is.
func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}

// NewName returns a filter by name. how is exact, iexact, partial or ipartial.
func NewName(how, text string) *Name {
	if Match(how) == matchIExact || Match(how) == matchIPartial {
		text = fold(text)
	}
	return &Name{text, Match(how)}
}
