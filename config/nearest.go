package config

import "strings"

// nearest returns the name that a misspelt one was probably meant to be: one
// that is at most a quarter of its letters away, in any case of letters.
// Nothing is near a word of three letters but itself.
func nearest(word string, names []string) string {
	best, least := "", len(word)/4+1
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many bytes have to be put in, taken out or replaced to make
// one text of the other (V. Levenshtein, 1965).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
