package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// document is the data of the page.
type document struct {
	Version     string
	About       template.HTML
	Credentials []entry
	Operations  []operation
	Schemas     []schema
}

// operation is one method of one path. Open means that it needs no credentials.
type operation struct {
	ID, Method, Path, Summary string
	About                     template.HTML
	Open                      bool
	Parameters                []entry
	Body                      *body
	Answers                   []entry
}

// body is the body of a request, with an example as indented JSON, or "".
type body struct {
	Words, About template.HTML
	Example      string
}

// schema is a named type. ID is the anchor that links lead to.
type schema struct {
	ID, Name     string
	Words, About template.HTML
	Fields       []entry
}

// methods is the order of the methods of a path on the page.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}

// read parses and validates an OpenAPI document, and extracts the data of the
// page.
func read(source []byte) (*document, error) {
	api, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return nil, err
	}
	if err := api.Validate(context.Background()); err != nil {
		return nil, err
	}
	d := &document{Version: api.Info.Version}
	if d.About, err = text(api.Info.Description); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(api.Components.SecuritySchemes)) {
		about, err := text(api.Components.SecuritySchemes[name].Value.Description)
		if err != nil {
			return nil, err
		}
		d.Credentials = append(d.Credentials, entry{Name: name, About: about})
	}
	if err := d.readOperations(api); err != nil {
		return nil, err
	}
	return d, d.readSchemas(api)
}

// readOperations collects the operations by tag, path and method. The number is
// compared with the document's, so that an operation without a tag, or with a
// method that the page does not expect, is an error and not a gap in the
// reference.
func (d *document) readOperations(api *openapi3.T) error {
	paths := slices.Sorted(maps.Keys(api.Paths.Map()))
	for _, tag := range api.Tags {
		for _, path := range paths {
			item := api.Paths.Value(path)
			for _, method := range methods {
				op := item.GetOperation(method)
				if op == nil || !slices.Equal(op.Tags, []string{tag.Name}) {
					continue
				}
				o, err := readOperation(method, path, item, op)
				if err != nil {
					return fmt.Errorf("%s %s: %w", method, path, err)
				}
				d.Operations = append(d.Operations, o)
			}
		}
	}
	all := 0
	for _, path := range paths {
		all += len(api.Paths.Value(path).Operations())
	}
	if len(d.Operations) != all {
		return fmt.Errorf("%d operations, of which %d have one known tag and a known method", all, len(d.Operations))
	}
	return nil
}

// readOperation converts one operation. Parameters of the path come before its
// own.
func readOperation(method, path string, item *openapi3.PathItem, op *openapi3.Operation) (o operation, err error) {
	o = operation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary,
		Open: op.Security != nil && len(*op.Security) == 0}
	if o.About, err = text(op.Description); err != nil {
		return o, err
	}
	for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
		e, err := readParameter(p.Value)
		if err != nil {
			return o, fmt.Errorf("%s: %w", p.Value.Name, err)
		}
		o.Parameters = append(o.Parameters, e)
	}
	if op.RequestBody != nil {
		if o.Body, err = readBody(op.RequestBody.Value); err != nil {
			return o, err
		}
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		e, err := readAnswer(code, op.Responses.Value(code).Value)
		if err != nil {
			return o, fmt.Errorf("%s: %w", code, err)
		}
		o.Answers = append(o.Answers, e)
	}
	return o, nil
}

// readParameter converts a parameter. One with content in place of a schema is
// sent as JSON.
func readParameter(p *openapi3.Parameter) (e entry, err error) {
	e.Name = p.Name
	s, where := p.Schema, p.In
	if s == nil {
		s, where = p.Content.Get("application/json").Schema, p.In+", as JSON"
	}
	if e.Words, err = words(s); err != nil {
		return e, err
	}
	e.Words = template.HTML(template.HTMLEscapeString("in the "+where)) + ": " + e.Words
	e.About, err = text(p.Description)
	return e, err
}

// readBody converts the body of a request.
func readBody(b *openapi3.RequestBody) (*body, error) {
	kinds, media, err := contentWords(b.Content)
	if err != nil {
		return nil, err
	}
	if !b.Required {
		kinds += ", may be left out"
	}
	out := &body{Words: kinds}
	if media != nil && media.Example != nil {
		example, err := json.MarshalIndent(media.Example, "", "  ")
		if err != nil {
			return nil, err
		}
		out.Example = string(example)
	}
	out.About, err = text(b.Description)
	return out, err
}

// readAnswer converts a response with its headers. code is its status, or
// "default".
func readAnswer(code string, r *openapi3.Response) (e entry, err error) {
	e.Name = code
	if e.Words, _, err = contentWords(r.Content); err != nil {
		return e, err
	}
	if e.About, err = text(*r.Description); err != nil {
		return e, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		about, err := text(r.Headers[name].Value.Description)
		if err != nil {
			return e, err
		}
		e.About += template.HTML(fmt.Sprintf("\n<p>Header <code>%s</code>:</p>", template.HTMLEscapeString(name))) + about
	}
	return e, nil
}

// contentWords describes the media types of a body, and returns the last of
// them, which has the example.
func contentWords(content openapi3.Content) (template.HTML, *openapi3.MediaType, error) {
	var all []string
	var last *openapi3.MediaType
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		last = content[kind]
		w, err := words(last.Schema)
		if err != nil {
			return "", nil, err
		}
		all = append(all, template.HTMLEscapeString(kind)+": "+string(w))
	}
	return template.HTML(strings.Join(all, "; ")), last, nil
}

// readSchemas converts the named schemas, in alphabetical order.
func (d *document) readSchemas(api *openapi3.T) error {
	for _, name := range slices.Sorted(maps.Keys(api.Components.Schemas)) {
		s := schema{ID: name, Name: name}
		value := api.Components.Schemas[name].Value
		var err error
		if s.Words, err = words(&openapi3.SchemaRef{Value: value}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if s.About, err = text(value.Description); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if s.Fields, err = fields(value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		d.Schemas = append(d.Schemas, s)
	}
	return nil
}
