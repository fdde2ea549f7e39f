package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// report collects what was measured.
type report struct {
	markdown bool
	columns  []string // names of the programs
	rows     []table.Row
	notes    []string
	wrong    []deviation
}

// deviation is what was wrong with the answers to one question.
type deviation struct {
	what  string // the program and the question
	first string // what was wrong for the first time
	times int
	ours  bool
}

func (d deviation) String() string {
	if d.times == 1 {
		return d.what + ": " + d.first
	}
	return fmt.Sprintf("%s: %s (%d wrong answers)", d.what, d.first, d.times)
}

// unit writes a value for people.
type unit func(float64) string

// add appends a row: one value for each program, NaN for none.
func (r *report) add(what string, u unit, values []float64) {
	row := table.Row{what}
	for _, v := range values {
		if math.IsNaN(v) {
			row = append(row, "-")
			continue
		}
		row = append(row, u(v))
	}
	if len(values) == 2 {
		row = append(row, ratio(values[1], values[0]))
	}
	r.rows = append(r.rows, row)
}

// note appends a remark.
func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// deviation records a wrong answer to a question.
func (r *report) deviation(what, wrong string, ours bool) {
	i := slices.IndexFunc(r.wrong, func(d deviation) bool { return d.what == what })
	if i < 0 {
		i = len(r.wrong)
		r.wrong = append(r.wrong, deviation{what: what, first: wrong, ours: ours})
	}
	r.wrong[i].times++
}

// err returns the wrong answers of ours, if any.
func (r *report) err() error {
	var all []error
	for _, d := range r.wrong {
		if d.ours {
			all = append(all, fmt.Errorf("wrong answers: %s", d))
		}
	}
	return errors.Join(all...)
}

// machine notes what the numbers depend on: compare them with those of another
// run only when it was as idle.
func (r *report) machine(when string) {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return // not Linux
	}
	average, _, _ := strings.Cut(string(load), " ")
	r.note("%s: load average %s on %d processors", when, average, runtime.NumCPU())
}

func (r *report) print(w io.Writer) {
	t := table.NewWriter()
	header := table.Row{"what"}
	right := []table.ColumnConfig{}
	for i, name := range r.columns {
		header = append(header, name)
		right = append(right, table.ColumnConfig{Number: i + 2, Align: text.AlignRight})
	}
	if len(r.columns) == 2 {
		header = append(header, "ratio")
		right = append(right, table.ColumnConfig{Number: 4, Align: text.AlignRight})
	}
	t.AppendHeader(header)
	t.AppendRows(r.rows)
	t.SetColumnConfigs(right)
	t.Style().Format.Header = text.FormatDefault
	if r.markdown {
		fmt.Fprintln(w, t.RenderMarkdown())
	} else {
		fmt.Fprintln(w, t.Render())
	}
	for _, n := range r.notes {
		fmt.Fprintln(w, "-", n)
	}
	for _, d := range r.wrong {
		fmt.Fprintln(w, "-", d)
	}
}

// ratio is ours divided by theirs.
func ratio(ours, theirs float64) string {
	q := ours / theirs
	switch {
	case math.IsNaN(q) || math.IsInf(q, 0) || q < 0:
		return "-"
	case q < 0.01:
		return fmt.Sprintf("%.4f", q)
	}
	return fmt.Sprintf("%.2f", q)
}

// seconds, perSecond, megabytes and percent are the units.
func seconds(v float64) string {
	switch {
	case v < 0.0001:
		return fmt.Sprintf("%.0f µs", v*1e6)
	case v < 0.01:
		return fmt.Sprintf("%.2f ms", v*1e3)
	case v < 1:
		return fmt.Sprintf("%.0f ms", v*1e3)
	}
	return fmt.Sprintf("%.2f s", v)
}

func perSecond(v float64) string {
	return fmt.Sprintf("%.0f /s", v)
}

func megabytes(v float64) string {
	return fmt.Sprintf("%.0f MB", v/1e6)
}

func percent(v float64) string {
	return fmt.Sprintf("%.0f %%", v*100)
}
