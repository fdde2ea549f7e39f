package main

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/ipfs-cluster/pinsvc/config"
)

// ourRow returns the row of a key in one of our sections. keys are all keys of
// the section, whose names may occur in the comment.
func ourRow(k config.Key, keys []config.Key, read *comments) (row, error) {
	text, err := read.of(k.Owner, k.Field)
	if err != nil {
		return row{}, err
	}
	return row{
		Key:     k.Name,
		Env:     k.Env,
		Type:    typeWords(k),
		Default: code(string(k.Default)),
		Text:    cell(forOperators(text, k, keys)),
	}, nil
}

// typeWords describes the form of a value in the file, with an example where
// the type does not tell.
func typeWords(k config.Key) string {
	switch k.Type.Name() {
	case "Duration":
		return `duration, "30s"`
	case "Multiaddrs", "Addresses":
		return "multiaddress, or a list"
	case "Size":
		return `size, "10GB"`
	case "Users":
		return "object of users"
	case "Secret", "string":
		return "string"
	case "bool":
		return "true or false"
	case "int", "int64":
		return "number"
	}
	switch k.Type.String() {
	case "[]string":
		return "list of strings"
	case "map[string][]string":
		return "object of lists"
	}
	return k.Type.String()
}

// verb matches the verb of a Go comment that begins with the name of its field.
var verb = regexp.MustCompile(`^ ([a-z]+s|are) `)

// word matches words that may be the name of a field or a key.
var word = regexp.MustCompile(`[A-Za-z][A-Za-z0-9_]*`)

// forOperators replaces the Go names of fields in a comment by the keys in the
// file, which is what an operator sees. A field whose name is an ordinary word
// ("Folder") is only replaced at the beginning of its own comment.
func forOperators(text string, own config.Key, keys []config.Key) string {
	names := map[string]string{}
	for _, k := range keys {
		if strings.ContainsFunc(k.Field[1:], unicode.IsUpper) && strings.ContainsFunc(k.Field, unicode.IsLower) {
			names[k.Field] = k.Name
		}
		if strings.Contains(k.Name, "_") {
			names[k.Name] = k.Name
		}
	}
	text = word.ReplaceAllStringFunc(text, func(w string) string {
		if key, is := names[w]; is {
			return "`" + key + "`"
		}
		return w
	})
	if rest, is := strings.CutPrefix(text, own.Field); is && verb.MatchString(rest) {
		return "`" + own.Name + "`" + rest
	}
	return text
}

// code formats a value as code in a table of Markdown.
func code(value string) string {
	return "`" + strings.ReplaceAll(value, "|", `\|`) + "`"
}

// cell escapes text for a table of Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
}

// sharedRows are the keys that several sections share. They are documented
// once, because the shared HTTP layer gives them the same meaning in each API.
type sharedRows struct{ rows []row }

// add merges the key of a section with the same key of earlier sections. A
// default that differs is added with the name of its section.
func (s *sharedRows) add(section string, r row) {
	_, api, _ := strings.Cut(section, ".")
	r.Env = strings.Replace(r.Env, "_"+strings.ToUpper(api)+"_", "_*API*_", 1)
	for i, other := range s.rows {
		if other.Key != r.Key {
			continue
		}
		if other.Default != r.Default {
			s.rows[i].Default += "; `" + section + "`: " + r.Default
		}
		return
	}
	s.rows = append(s.rows, r)
}
