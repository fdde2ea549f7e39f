package main

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/ipfs-cluster/pinsvc/config"
)

// ourRow describes a key of a section of ours. keys are all of the section.
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

// typeWords says what is written as the value of a key.
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

// verb is what follows the name of a field that a comment speaks of.
var verb = regexp.MustCompile(`^ ([a-z]+s|are) `)

var word = regexp.MustCompile(`[A-Za-z][A-Za-z0-9_]*`)

// forOperators replaces the Go names of fields in a comment by the keys of the
// file. A name of one ordinary word, "Folder", is one only where a comment
// begins with the name of its own field.
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

// code is a value as Markdown shows it in a table.
func code(value string) string {
	return "`" + strings.ReplaceAll(value, "|", `\|`) + "`"
}

// cell is text as it may stand in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
}

// sharedRows are keys that several sections have, with the same meaning.
type sharedRows struct{ rows []row }

// add puts a key of a section beside that of the sections before it.
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
