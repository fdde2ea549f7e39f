package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// The limits that CONTRIBUTING.md gives.
const (
	maxFunction   = 50  // lines of a function
	maxPercentile = 24  // lines that nine of ten functions of the product do not exceed
	maxFile       = 300 // lines of a file
	maxFiles      = 30  // files of a package, without tests
	maxParameters = 4
	minComments   = 15 // percent of the lines that are not blank
	maxComments   = 30
)

// limit is a limit and the places that exceed it, the worst first.
type limit struct {
	title string
	over  []string
}

// measured is a place and its measure.
type measured struct {
	place  string
	number float64
}

// limits compares the product with all limits. functions are those of the whole
// product.
func (r report) limits(functions []function) []limit {
	return []limit{
		percentileLimit(functions),
		over("functions over %d lines", maxFunction, perFunction(functions, func(f function) int { return f.lines })),
		over("functions over %d parameters", maxParameters, perFunction(functions, func(f function) int { return f.parameters })),
		over("files over %d lines", maxFile, r.perFile()),
		over("packages over %d files", maxFiles, r.perPackage(func(p row) float64 { return float64(p.files) })),
		commentLimit(r.perPackage(func(p row) float64 { return p.share() })),
		{"imports against the layers", r.against},
	}
}

// over returns the measures that are greater than a bound. title has a verb for
// the bound.
func over(title string, bound int, all []measured) limit {
	return limit{fmt.Sprintf(title, bound), describe(all, func(m measured) float64 { return m.number - float64(bound) })}
}

// commentLimit returns the packages with fewer or more comments than a reader
// needs.
func commentLimit(all []measured) limit {
	title := fmt.Sprintf("comments not %d to %d %%", minComments, maxComments)
	return limit{title, describe(all, func(m measured) float64 { return max(minComments-m.number, m.number-maxComments) })}
}

// describe returns the measures whose excess is positive, as text, the greatest
// excess first.
func describe(all []measured, excess func(measured) float64) (texts []string) {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b measured) int { return cmp.Compare(excess(b), excess(a)) })
	for _, m := range sorted {
		if excess(m) > 0 {
			texts = append(texts, m.place+" has "+strconv.FormatFloat(math.Round(10*m.number)/10, 'f', -1, 64))
		}
	}
	return texts
}

// percentileLimit compares all functions of the product at once: a package with
// three functions has no meaningful percentile.
func percentileLimit(functions []function) limit {
	l := limit{title: fmt.Sprintf("p90 of functions over %d lines", maxPercentile)}
	if n := percentile(functions, 90); n > maxPercentile {
		l.over = []string{fmt.Sprintf("the product has %d", n)}
	}
	return l
}

// perFunction returns a measure of each function.
func perFunction(functions []function, number func(function) int) (all []measured) {
	for _, f := range functions {
		all = append(all, measured{f.String(), float64(number(f))})
	}
	return all
}

// perFile returns the lines of each file of the product, blank ones included:
// that is what an editor shows.
func (r report) perFile() (all []measured) {
	for _, p := range r.packages {
		for _, f := range p.files {
			if p.product() {
				all = append(all, measured{f.path, float64(f.lines)})
			}
		}
	}
	return all
}

// perPackage returns a measure of each package of the product.
func (r report) perPackage(number func(row) float64) (all []measured) {
	for _, p := range r.packages {
		if p.product() {
			var line row
			line.add(p)
			all = append(all, measured{p.folder, number(line)})
		}
	}
	return all
}
