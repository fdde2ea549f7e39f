package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

const (
	// helpWidth is how wide help is, wherever it goes.
	helpWidth = 80
	// leastWidth is the width below which lines are not broken any more.
	leastWidth = 40
)

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// columns returns the width of the terminal w, 80 if it is unknown, and 0 for a
// file or a pipe: there a message stays on one line, so that other programs can
// parse it.
func columns(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	f, _ := w.(*os.File)
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return max(cmp.Or(width, helpWidth), leastWidth)
}

// printFolded prints a text for people, folded to the width of a terminal.
func printFolded(w io.Writer, format string, args ...any) {
	fmt.Fprint(w, fold(fmt.Sprintf(format, args...), columns(w)))
}

// fold breaks the lines of a text that are wider than width at spaces.
// Continuation lines are indented by two more columns than the line, or, in a
// line "Label: text", to the start of the text. Words are never broken, so
// addresses and tokens stay whole, and neither are commands of pinsvc in
// quotes: all of these are there to be copied. A width of 0 changes nothing.
func fold(text string, width int) string {
	if width == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if utf8.RuneCountInString(line) > width {
			lines[i] = foldLine(line, width)
		}
	}
	return strings.Join(lines, "\n")
}

// quotedCommand matches a command of pinsvc in quotes of either kind.
var quotedCommand = regexp.MustCompile(`"pinsvc [^"]*"|'pinsvc [^']*'`)

// wordsOf splits a line at its spaces, except those within a quoted command.
func wordsOf(line string) []string {
	var words []string
	at := 0
	for _, span := range quotedCommand.FindAllStringIndex(line, -1) {
		words = join(words, strings.Split(line[at:span[0]], " "))
		words = join(words, []string{line[span[0]:span[1]]})
		at = span[1]
	}
	return join(words, strings.Split(line[at:], " "))
}

// join appends words to others. The first of them continues the last one: there
// is no space between the two.
func join(words, more []string) []string {
	if len(words) == 0 {
		return more
	}
	words[len(words)-1] += more[0]
	return append(words, more[1:]...)
}

// foldLine implements fold for one line.
func foldLine(line string, width int) string {
	start := len(line) - len(strings.TrimLeft(line, " "))
	hang := start + 2
	if label, rest, is := strings.Cut(line, ":  "); is && len(label) < leastWidth/2 {
		start = len(line) - len(strings.TrimLeft(rest, " "))
		hang = start
	}
	var out strings.Builder
	out.WriteString(line[:start])
	at := start
	for i, word := range wordsOf(line[start:]) {
		size := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+size > width:
			out.WriteString("\n" + strings.Repeat(" ", hang))
			at = hang
		default:
			out.WriteByte(' ')
			at++
		}
		out.WriteString(word)
		at += size
	}
	return out.String()
}

// printTable prints a table, or, on a terminal that is too narrow for it, its
// rows below each other, each cell with its column name: a table with folded
// cells cannot be read, or copied from.
func printTable(out io.Writer, title string, header table.Row, rows []table.Row) {
	t := table.NewWriter()
	t.AppendHeader(header)
	t.AppendRows(rows)
	text := t.Render()
	first, _, _ := strings.Cut(text, "\n")
	width := columns(out)
	printFolded(out, "\n%s\n", title)
	if width == 0 || utf8.RuneCountInString(first) <= width {
		fmt.Fprintln(out, text)
		return
	}
	for i, row := range rows {
		if i > 0 {
			fmt.Fprintln(out)
		}
		for j, cell := range row {
			if value := fmt.Sprint(cell); value != "" {
				printFolded(out, "%-10s %s\n", fmt.Sprintf("%v: ", header[j]), value)
			}
		}
	}
}
