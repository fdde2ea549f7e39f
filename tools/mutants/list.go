package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// lineBreak is a line of the code and a wrong line in its place.
type lineBreak struct {
	reason   string   // what is wrong then
	file     string   // from the module's folder, with slashes
	packages []string // whose tests should notice
	old, new string   // lines without their indentation
}

// parseList reads the list: blocks of four lines, with empty lines between.
//
//	# what is wrong then
//	folder/file.go [package ...]
//	- the line as it is
//	+ the line that is wrong
//
// Without packages, it is the file's own that should notice. Lines that begin
// with two hashes are headings.
func parseList(text string) ([]lineBreak, error) {
	var breaks []lineBreak
	for block := range strings.SplitSeq(text, "\n\n") {
		lines := slices.DeleteFunc(strings.Split(block, "\n"), func(l string) bool {
			return strings.TrimSpace(l) == "" || strings.HasPrefix(l, "##")
		})
		if len(lines) == 0 {
			continue
		}
		b, err := parseBreak(lines)
		if err != nil {
			return nil, fmt.Errorf("%w, in:\n%s", err, strings.Join(lines, "\n"))
		}
		breaks = append(breaks, b)
	}
	return breaks, nil
}

// parseBreak parses one entry of the list.
func parseBreak(lines []string) (b lineBreak, err error) {
	if len(lines) != 4 {
		return b, fmt.Errorf("a break has four lines, not %d", len(lines))
	}
	var isReason, isOld, isNew bool
	b.reason, isReason = strings.CutPrefix(lines[0], "# ")
	where := strings.Fields(lines[1])
	b.file, b.packages = where[0], where[1:]
	if len(b.packages) == 0 {
		b.packages = []string{"./" + path.Dir(b.file)}
	}
	b.old, isOld = strings.CutPrefix(lines[2], "-")
	b.new, isNew = strings.CutPrefix(lines[3], "+")
	b.old, b.new = strings.TrimSpace(b.old), strings.TrimSpace(b.new)
	if !isReason || !isOld || !isNew || b.old == "" || b.old == b.new {
		return b, fmt.Errorf("not a reason, a file, an old and a new line")
	}
	return b, nil
}

// packagesOf returns all packages in the list, each once: their tests have to
// pass without a break.
func packagesOf(breaks []lineBreak) []string {
	var all []string
	for _, b := range breaks {
		all = append(all, b.packages...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
