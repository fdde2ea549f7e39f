package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// width is the maximum width of the short report, in columns.
const width = 80

// minRow is the number of lines below which packages share a row of the short
// report, which has to fit one screen.
const minRow = 100

// report is the result of the measurement, and how much of it is printed.
type report struct {
	packages []pkg
	against  []string // imports that do not follow the layers
	verbose  bool
}

// row is a line of the table: a package, or a sum of packages.
type row struct {
	name      string
	files     int
	filled    int // lines that are not blank
	comments  int
	functions []function
}

// add adds the measures of a package.
func (r *row) add(p pkg) {
	for _, f := range p.files {
		r.files++
		r.filled += f.filled
		r.comments += f.comments
		r.functions = append(r.functions, f.functions...)
	}
}

// share returns the percentage of comments in the lines that are not blank.
func (r row) share() float64 { return 100 * float64(r.comments) / float64(max(r.filled, 1)) }

// print prints the table, then a line for each limit. The details follow only
// with -v, because the short report is a part of make check and has to fit one
// screen.
func (r report) print(out io.Writer) {
	fmt.Fprintf(out, "%-22s %5s %7s %9s %10s  %s\n", "package", "files", "lines", "comments", "functions", "median  p90  max")
	product, small, rest := row{name: "the product"}, row{name: "smaller packages"}, row{name: "tools, bench, testpeer"}
	for _, p := range r.packages {
		if !p.product() {
			rest.add(p)
			continue
		}
		line := row{name: p.folder}
		line.add(p)
		product.add(p)
		if line.filled < minRow && !r.verbose {
			small.add(p)
			continue
		}
		line.print(out)
	}
	if small.files > 0 {
		small.print(out)
	}
	product.print(out)
	rest.print(out)
	fmt.Fprintln(out)
	for _, l := range r.limits(product.functions) {
		r.list(out, l)
	}
	names := repeatedNames(r.packages)
	fmt.Fprintf(out, "%-32s %d\n", "names that packages repeat", len(names))
	if r.verbose {
		printLongest(out, product.functions)
		printRepeated(out, names)
	} else {
		fmt.Fprintln(out, "All of them: go run ./tools/house -v")
	}
}

// print prints one line of the table.
func (r row) print(out io.Writer) {
	fmt.Fprintf(out, "%-22s %5d %7d %8.1f%% %10d %7d %4d %4d\n", r.name, r.files, r.filled, r.share(), len(r.functions),
		percentile(r.functions, 50), percentile(r.functions, 90), percentile(r.functions, 100))
}

// percentile returns the number of lines that the given percentage of the
// functions does not exceed, by the nearest rank, and 0 without functions.
func percentile(functions []function, percent int) int {
	if len(functions) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(functions), func(a, b function) int { return cmp.Compare(a.lines, b.lines) })
	rank := (percent*len(sorted) + 99) / 100
	return sorted[max(1, rank)-1].lines
}

// list prints how many places exceed a limit. It names the first on the same
// line, cut to the width, or all of them with -v.
func (r report) list(out io.Writer, l limit) {
	if len(l.over) == 0 {
		fmt.Fprintf(out, "%-32s none\n", l.title)
		return
	}
	line := fmt.Sprintf("%-32s %d", l.title, len(l.over))
	if r.verbose {
		fmt.Fprintf(out, "%s\n  %s\n", line, strings.Join(l.over, "\n  "))
		return
	}
	line += ": " + l.over[0]
	if runes := []rune(line); len(runes) > width {
		line = string(runes[:width-3]) + "..."
	}
	fmt.Fprintln(out, line)
}

// printLongest prints the longest functions with their place.
func printLongest(out io.Writer, functions []function) {
	const shown = 20
	sorted := slices.SortedStableFunc(slices.Values(functions), func(a, b function) int { return cmp.Compare(b.lines, a.lines) })
	fmt.Fprintln(out, "\nlongest functions")
	for _, f := range sorted[:min(shown, len(sorted))] {
		fmt.Fprintf(out, "  %3d  %s\n", f.lines, f)
	}
}

// printRepeated prints the repeated names with their packages.
func printRepeated(out io.Writer, all []repeated) {
	fmt.Fprintln(out, "\nrepeated names")
	for _, n := range all {
		fmt.Fprintf(out, "  %s %s: %s\n", n.kind, n.text, strings.Join(n.folders, ", "))
	}
}
