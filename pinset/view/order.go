package view

import (
	"cmp"
	"strings"
)

// newestFirst is list order: created descending, then the text of the CID.
func newestFirst(a, b *item) int {
	if a.created != b.created {
		return cmp.Compare(b.created, a.created)
	}
	return compareKeys(a.key(), b.key())
}

// byName orders items by name, then in list order.
func byName(a, b *item) int {
	if c := strings.Compare(a.name(), b.name()); c != 0 {
		return c
	}
	return newestFirst(a, b)
}

// byCID orders items as the keys of a datastore are, in which a CID is the base32 of
// its bytes: a scan of one brings them in this order.
func byCID(a, b *item) int { return compareBase32(a.key(), b.key()) }

// compareKeys orders CIDs, given as bytes, by their canonical text, which is how a page's
// last item is told from the next: pinset.Compare has the same order. It makes no text:
// base58 of version 0 keeps the order of the bytes, and base32 is compared in blocks.
func compareKeys(a, b string) int {
	zeroA, zeroB := isVersion0(a), isVersion0(b)
	switch {
	case zeroA && zeroB:
		return strings.Compare(a, b) // base58 of equally long numbers keeps their order
	case zeroA:
		return -1 // "Qm..." is before "b..."
	case zeroB:
		return 1
	}
	return compareBase32(a, b)
}

// compareBase32 orders bytes by their text in base32.
func compareBase32(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	// Five bytes are eight letters of base32.
	from := i / 5 * 5
	return compareBlocks(a[min(from, len(a)):], b[min(from, len(b)):])
}

func isVersion0(key string) bool {
	return len(key) == 34 && key[0] == 0x12 && key[1] == 0x20
}

// compareBlocks compares the first blocks in which two texts differ. Letters of a block that
// a shorter text does not have are less than any.
func compareBlocks(a, b string) int {
	x, lettersA := block(a)
	y, lettersB := block(b)
	for i := range min(lettersA, lettersB) {
		shift := 35 - 5*i
		// The alphabet is a-z, 2-7, and digits are before letters.
		p, q := (x>>shift+6)&31, (y>>shift+6)&31
		if p != q {
			return cmp.Compare(p, q)
		}
	}
	return cmp.Compare(lettersA, lettersB)
}

// block returns up to five bytes as a number of 40 bits, and how many letters
// of base32 they are.
func block(s string) (bits uint64, letters int) {
	s = s[:min(len(s), 5)]
	for i := range len(s) {
		bits |= uint64(s[i]) << (32 - 8*i)
	}
	return bits, (len(s)*8 + 4) / 5
}
