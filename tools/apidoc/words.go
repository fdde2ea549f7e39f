package main

import (
	"errors"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// schemas is the prefix of references to schemas.
const schemas = "#/components/schemas/"

// words describes in one line which values a schema allows. A named schema
// becomes a link to its description.
func words(ref *openapi3.SchemaRef) (template.HTML, error) {
	if name, is := strings.CutPrefix(ref.Ref, schemas); is {
		return link(name), nil
	}
	s := ref.Value
	if len(s.AllOf) > 0 {
		return failureWords(s)
	}
	parts, err := kindWords(s)
	if err != nil {
		return "", err
	}
	add := func(format string, args ...any) {
		parts = append(parts, template.HTMLEscapeString(fmt.Sprintf(format, args...)))
	}
	if len(s.Enum) > 0 {
		parts = append(parts, "one of "+enumWords(s.Enum))
	}
	if s.Pattern != "" {
		parts = append(parts, "like <code>"+template.HTMLEscapeString(s.Pattern)+"</code>")
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if s.MaxItems != nil {
		add("at most %d", *s.MaxItems)
	}
	if s.MaxProps != nil {
		add("at most %d entries", *s.MaxProps)
	}
	switch {
	case s.Min != nil && s.Max != nil:
		add("%v to %v", *s.Min, *s.Max)
	case s.Min != nil:
		add("at least %v", *s.Min)
	}
	if s.Default != nil {
		parts = append(parts, fmt.Sprintf("default <code>%s</code>", template.HTMLEscapeString(fmt.Sprint(s.Default))))
	}
	return template.HTML(strings.Join(parts, ", ")), nil
}

// kindWords describes the type of a schema, the first part of words.
func kindWords(s *openapi3.Schema) ([]string, error) {
	kind := ""
	switch {
	case s.Type.Is("array"):
		of, err := words(s.Items)
		if err != nil {
			return nil, err
		}
		kind = "list of: " + string(of)
	case s.Type.Is("object") && s.AdditionalProperties.Schema != nil:
		of, err := words(s.AdditionalProperties.Schema)
		if err != nil {
			return nil, err
		}
		kind = "object with values: " + string(of)
	case s.Type.Is("object"):
		kind = "object"
	case s.Type.Is("integer"):
		kind = "whole number"
	case s.Type.Is("boolean"):
		kind = "true or false"
	case s.Format == "date-time":
		kind = "time (RFC 3339)"
	case s.Type.Is("string"):
		kind = "text"
	default:
		return nil, fmt.Errorf("a schema of type %v cannot be described", s.Type)
	}
	if s.Nullable {
		kind += " or null"
	}
	return []string{kind}, nil
}

// failureWords describes the only composition in the document: a failure and
// its possible reasons. Other compositions are an error, since a half of them
// could be lost.
func failureWords(s *openapi3.Schema) (template.HTML, error) {
	if len(s.AllOf) != 2 || s.AllOf[0].Ref != schemas+"Failure" || s.AllOf[1].Value.Properties["error"] == nil {
		return "", errors.New("of compositions (allOf) only a Failure with its reasons can be described")
	}
	reason := s.AllOf[1].Value.Properties["error"].Value.Properties["reason"]
	if reason == nil || len(reason.Value.Enum) == 0 {
		return "", errors.New("a Failure has no reasons")
	}
	return link("Failure") + ", reason " + template.HTML(enumWords(reason.Value.Enum)), nil
}

// enumWords lists the values of an enumeration.
func enumWords(enum []any) string {
	var all []string
	for _, e := range enum {
		all = append(all, "<code>"+template.HTMLEscapeString(fmt.Sprint(e))+"</code>")
	}
	return strings.Join(all, ", ")
}

// link links to the description of a schema on the same page.
func link(name string) template.HTML {
	escaped := template.HTMLEscapeString(name)
	return template.HTML(`<a href="#` + escaped + `">` + escaped + `</a>`)
}

// entry is an item of a definition list: a parameter, a response, a field.
type entry struct {
	Name  string
	Words template.HTML
	About template.HTML
}

// fields returns the properties of a schema, the required ones first. Those of
// a nested schema without a name follow their parent.
func fields(s *openapi3.Schema) (all []entry, err error) {
	names := slices.Sorted(maps.Keys(s.Properties))
	slices.SortStableFunc(names, func(a, b string) int { return place(s.Required, a) - place(s.Required, b) })
	for _, name := range names {
		property := s.Properties[name]
		e := entry{Name: name}
		if e.Words, err = words(property); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if slices.Contains(s.Required, name) {
			e.Words = "always, " + e.Words
		}
		if property.Ref == "" {
			if e.About, err = text(property.Value.Description); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		all = append(all, e)
		inner, err := innerFields(name, property)
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	return all, nil
}

// innerFields returns the properties of a nested schema, with the parent's name
// before theirs.
func innerFields(name string, property *openapi3.SchemaRef) ([]entry, error) {
	if property.Ref != "" || len(property.Value.Properties) == 0 {
		return nil, nil
	}
	inner, err := fields(property.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i := range inner {
		inner[i].Name = name + "." + inner[i].Name
	}
	return inner, nil
}

// place returns the index of a name in a list, or the length of the list if it
// is not there.
func place(names []string, name string) int {
	if i := slices.Index(names, name); i >= 0 {
		return i
	}
	return len(names)
}
