package main

import (
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

// unknown matches CommonMark that the descriptions do not use, and that text
// does not render: bold, links, quotes, numbered lists, code blocks and tables.
// A complete renderer would be a dependency for four constructs.
var unknown = regexp.MustCompile("\\*\\*|\\]\\(|^>|^\\d+\\. |^```|^ {4}|^\\|")

// text renders a description as HTML: paragraphs, headings of the second level,
// lists of one level, and code. Anything else is an error.
func text(source string) (template.HTML, error) {
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimRight(source, "\n"), "\n\n") {
		lines := strings.Split(strings.Trim(block, "\n"), "\n")
		switch {
		case lines[0] == "":
			continue
		case strings.HasPrefix(lines[0], "## "):
			if len(lines) > 1 {
				return "", fmt.Errorf("text right below the heading %q", lines[0])
			}
			fmt.Fprintf(&out, "<h2>%s</h2>\n", code(lines[0][len("## "):]))
		case strings.HasPrefix(lines[0], "- "):
			out.WriteString("<ul>\n")
			for _, item := range items(lines) {
				fmt.Fprintf(&out, "<li>%s</li>\n", code(item))
			}
			out.WriteString("</ul>\n")
		default:
			fmt.Fprintf(&out, "<p>%s</p>\n", code(strings.Join(lines, "\n")))
		}
		for _, line := range lines {
			if unknown.MatchString(line) {
				return "", fmt.Errorf("%q: this cannot be rendered", line)
			}
		}
	}
	return template.HTML(strings.TrimSuffix(out.String(), "\n")), nil
}

// items returns the elements of a list, each with its continuation lines.
func items(lines []string) (all []string) {
	for _, line := range lines {
		if item, begins := strings.CutPrefix(line, "- "); begins {
			all = append(all, item)
		} else {
			all[len(all)-1] += "\n" + strings.TrimSpace(line)
		}
	}
	return all
}

// code escapes text for HTML, and marks what is between backticks as code.
func code(source string) string {
	var out strings.Builder
	for i, part := range strings.Split(source, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		out.WriteString(part)
	}
	return out.String()
}
