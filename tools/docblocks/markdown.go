package main

import (
	"fmt"
	"strings"
)

// block is a fenced code block of a Markdown file.
type block struct {
	line    int    // of the opening fence, from 1
	section string // the nearest second-level heading above, "" before the first
	lang    string // the first word after the fence
	text    string // with its final newline
}

// shell reports whether the block has commands.
func (b block) shell() bool {
	switch b.lang {
	case "sh", "bash", "shell", "console":
		return true
	}
	return false
}

// languages are the languages that a block may have. A block of another one
// would be neither run nor recognised as the output of the one before, so it is
// an error.
var languages = map[string]bool{
	"sh": true, "bash": true, "shell": true, "console": true, "text": true,
	"json": true, "nginx": true, "caddyfile": true, "js": true, "go": true,
}

// parse returns the code blocks of a Markdown text. An indented code block, a
// fence that is not closed and a block without a known language are errors, so
// that no command of a document escapes its test.
func parse(text string) ([]block, error) {
	var blocks []block
	var open *block
	section, blank, list := "", true, false
	for i, line := range strings.Split(text, "\n") {
		n := i + 1
		switch {
		case open != nil && strings.TrimSpace(line) == "```":
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			lang, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "```"), " ")
			if !languages[lang] || line[0] != '`' {
				return nil, fmt.Errorf("line %d: a block at the margin with one of the known languages is needed, not %q", n, line)
			}
			open = &block{line: n, section: section, lang: lang}
		case strings.HasPrefix(line, "    ") && blank && !list:
			return nil, fmt.Errorf("line %d: an indented code block: give it a fence and a language", n)
		case strings.HasPrefix(line, "## "):
			section = strings.TrimPrefix(line, "## ")
		}
		blank = strings.TrimSpace(line) == ""
		list = list && (blank || line[0] == ' ') || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "1. ")
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block is not closed", open.line)
	}
	return blocks, nil
}

// step is a shell block with the output that the document shows for its end.
type step struct {
	block
	script string   // what bash runs
	want   []string // the last lines of its output, nil when the document is silent
}

// steps returns the shell blocks with their expected output: the lines without
// a prompt in a console block, or the text block that directly follows.
func steps(blocks []block) []step {
	var all []step
	for _, b := range blocks {
		switch {
		case b.lang == "console":
			script, want := console(b.text)
			all = append(all, step{b, script, want})
		case b.shell():
			all = append(all, step{b, b.text, nil})
		case b.lang == "text" && len(all) > 0 && all[len(all)-1].want == nil && all[len(all)-1].section == b.section:
			all[len(all)-1].want = lines(b.text)
		}
	}
	return all
}

// console splits a session into its commands, after "$ " and, in continuation
// lines, "> ", and the output.
func console(text string) (script string, want []string) {
	for _, line := range lines(text) {
		command, is := strings.CutPrefix(line, "$ ")
		if !is {
			command, is = strings.CutPrefix(line, "> ")
		}
		if is {
			script += command + "\n"
		} else {
			want = append(want, line)
		}
	}
	return script, want
}

// lines splits a text into lines. The last line break does not begin another
// one.
func lines(text string) []string {
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}
