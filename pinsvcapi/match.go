package pinsvcapi

import (
	"strings"
	"unicode"
)

// matchers are the text matching strategies of the specification
// (TextMatchingStrategy), by their word.
var matchers = map[string]func(wanted string) Matcher{
	"exact": func(wanted string) Matcher {
		return func(name string) bool { return name == wanted }
	},
	"iexact": func(wanted string) Matcher {
		wanted = fold(wanted)
		return func(name string) bool { return fold(name) == wanted }
	},
	"partial": func(wanted string) Matcher {
		return func(name string) bool { return strings.Contains(name, wanted) }
	},
	"ipartial": func(wanted string) Matcher {
		wanted = fold(wanted)
		return func(name string) bool { return strings.Contains(fold(name), wanted) }
	},
}

// fold maps every letter to one representative of its case forms (Unicode
// simple folding), so that strings which differ only in case become equal.
// ASCII that is in lower case already is returned as it is.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}
		return foldRune(r)
	}, s)
}

// foldRune returns the smallest rune of r's folding orbit, in lower case when
// that is an ASCII letter (the Kelvin sign folds to k).
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
