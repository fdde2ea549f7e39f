package pinsvcapi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// official returns the specification's own document, where a copy lies beside
// the module.
func official(t *testing.T) *openapi3.T {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "spec", "ipfs-pinning-service.yaml")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no copy of the specification beside the module: ", err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(context.Background(), openapi3.DisableExamplesValidation()))
	return doc
}

// Nothing that the official document requires is missing or looser in our
// answers, and everything that it lets a client send is taken.
func TestDocumentAgreesWithTheOfficialOne(t *testing.T) {
	theirs, ours := official(t), document(t)
	require.Equal(t, theirs.Info.Version, ours.Info.Version)
	for path, item := range theirs.Paths.Map() {
		for method, their := range item.Operations() {
			t.Run(method+" "+path, func(t *testing.T) {
				require.NotNil(t, ours.Paths.Find(path))
				our := ours.Paths.Find(path).GetOperation(method)
				require.NotNil(t, our)
				compareParameters(t, item.Parameters, ours.Paths.Find(path).Parameters)
				compareParameters(t, their.Parameters, our.Parameters)
				if their.RequestBody != nil {
					compareInput(t, "body", jsonSchema(their.RequestBody.Value.Content), jsonSchema(our.RequestBody.Value.Content))
				}
				compareAnswers(t, their, our)
			})
		}
	}
	bearer := false
	for _, alternative := range ours.Security {
		bearer = bearer || len(alternative) == 1 && alternative["bearer"] != nil
	}
	require.True(t, bearer, "a bearer token is enough")
	require.Equal(t, theirs.Components.SecuritySchemes["accessToken"].Value.Scheme,
		ours.Components.SecuritySchemes["bearer"].Value.Scheme)
}

func compareParameters(t *testing.T, their, our openapi3.Parameters) {
	for _, p := range their {
		mine := our.GetByInAndName(p.Value.In, p.Value.Name)
		require.NotNil(t, mine, p.Value.Name)
		require.False(t, mine.Required && !p.Value.Required, p.Value.Name)
		require.Equal(t, p.Value.Style, mine.Style, p.Value.Name)
		require.Equal(t, p.Value.Explode, mine.Explode, p.Value.Name)
		require.Equal(t, p.Value.Schema == nil, mine.Schema == nil, p.Value.Name)
		if p.Value.Schema == nil {
			compareInput(t, p.Value.Name, jsonSchema(p.Value.Content), jsonSchema(mine.Content))
			continue
		}
		require.Equal(t, p.Value.Schema.Value.Default, mine.Schema.Value.Default, p.Value.Name)
		compareInput(t, p.Value.Name, p.Value.Schema.Value, mine.Schema.Value)
	}
}

// compareInput finds what they let a client send and we refuse.
func compareInput(t *testing.T, at string, their, our *openapi3.Schema) {
	t.Helper()
	refused := slices.DeleteFunc(looser(at, their, our), func(s string) bool {
		switch s {
		case "requestid: minLength", "cid[]: maxLength", "body.cid: minLength", "body.cid: maxLength":
			return true // no CID is empty, and none in use is that long
		case "meta: maxProperties", "body.meta: maxProperties":
			return true // meant, but written one level too deep
		}
		return false
	})
	require.Empty(t, refused)
}

func compareAnswers(t *testing.T, their, our *openapi3.Operation) {
	for code, answer := range our.Responses.Map() {
		status, err := strconv.Atoi(code)
		require.NoError(t, err)
		expected := their.Responses.Status(status) // or its range, 4XX
		require.NotNil(t, expected, code)
		require.Equal(t, len(expected.Value.Content) > 0, len(answer.Value.Content) > 0, "%s: a body", code)
		if len(expected.Value.Content) > 0 {
			require.Empty(t, looser(code, jsonSchema(answer.Value.Content), jsonSchema(expected.Value.Content)))
		}
	}
	for code := range their.Responses.Map() {
		if code[0] == '2' {
			require.NotNil(t, our.Responses.Value(code), "a success is %s", code)
		}
	}
}

func jsonSchema(c openapi3.Content) *openapi3.Schema {
	return c.Get("application/json").Schema.Value
}

// looser says in what the first schema allows values that the second one does
// not, as far as the two documents use OpenAPI's vocabulary. Values are
// expected to be of one type.
func looser(at string, a, b *openapi3.Schema) (found []string) {
	// Parts of allOf are judged each by itself: one that is tight enough will do.
	if len(a.AllOf) > 0 {
		for _, part := range a.AllOf {
			if found = looser(at, part.Value, b); len(found) == 0 {
				return nil
			}
		}
		return found
	}
	bad := func(is bool, what string) {
		if is {
			found = append(found, at+": "+what)
		}
	}
	bad(b.Type != nil && (a.Type == nil || !slices.Equal(*a.Type, *b.Type)), "type")
	bad(a.Nullable && !b.Nullable, "null")
	bad(b.Format != "" && a.Format != b.Format, "format")
	bad(b.Pattern != "" && a.Pattern != b.Pattern, "pattern")
	bad(b.Min != nil && (a.Min == nil || *a.Min < *b.Min), "minimum")
	bad(b.Max != nil && (a.Max == nil || *a.Max > *b.Max), "maximum")
	bad(a.MinLength < b.MinLength, "minLength")
	bad(above(a.MaxLength, b.MaxLength), "maxLength")
	bad(a.MinItems < b.MinItems, "minItems")
	bad(above(a.MaxItems, b.MaxItems), "maxItems")
	bad(b.UniqueItems && !a.UniqueItems, "uniqueItems")
	bad(len(b.Enum) > 0 && len(a.Enum) == 0, "enum")
	for _, word := range a.Enum {
		bad(len(b.Enum) > 0 && !slices.Contains(b.Enum, word), fmt.Sprint("word ", word))
	}
	if b.Items != nil {
		found = append(found, looser(at+"[]", a.Items.Value, b.Items.Value)...)
	}
	if b.Type.Is("object") {
		found = append(found, looserObject(at, a, b)...)
	}
	return found
}

func above(a, b *uint64) bool { return b != nil && (a == nil || *a > *b) }

func looserObject(at string, a, b *openapi3.Schema) (found []string) {
	bad := func(is bool, what string) {
		if is {
			found = append(found, at+": "+what)
		}
	}
	closed := func(s *openapi3.Schema) bool {
		return s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has
	}
	bad(a.MinProps < b.MinProps, "minProperties")
	bad(above(a.MaxProps, b.MaxProps), "maxProperties")
	bad(closed(b) && !closed(a), "other fields")
	for _, name := range b.Required {
		bad(!slices.Contains(a.Required, name), name+" is not required")
	}
	for name, theirs := range b.Properties {
		ours := a.Properties[name]
		bad(ours == nil && !closed(a), name+" can be anything")
		if ours != nil {
			found = append(found, looser(at+"."+name, ours.Value, theirs.Value)...)
		}
	}
	other := b.AdditionalProperties.Schema
	if other == nil {
		return found
	}
	for name, ours := range a.Properties {
		if b.Properties[name] == nil {
			found = append(found, looser(at+"."+name, ours.Value, other.Value)...)
		}
	}
	switch ours := a.AdditionalProperties.Schema; {
	case ours != nil:
		found = append(found, looser(at+".*", ours.Value, other.Value)...)
	case !closed(a):
		bad(true, "other fields can be anything")
	}
	return found
}

// The comparison itself finds what is looser.
func TestLooser(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b string
		want []string
	}{
		"the same":          {`{type: string, maxLength: 5}`, `{type: string, maxLength: 5}`, nil},
		"tighter":           {`{type: string, maxLength: 4, enum: [a]}`, `{type: string, maxLength: 5, enum: [a, b]}`, nil},
		"longer":            {`{type: string, maxLength: 6}`, `{type: string, maxLength: 5}`, []string{"x: maxLength"}},
		"no bound":          {`{type: integer}`, `{type: integer, minimum: 0}`, []string{"x: minimum"}},
		"another word":      {`{type: string, enum: [a, c]}`, `{type: string, enum: [a, b]}`, []string{"x: word c"}},
		"null":              {`{type: string, nullable: true}`, `{type: string}`, []string{"x: null"}},
		"not required":      {`{type: object, properties: {a: {type: string}}}`, `{type: object, required: [a], properties: {a: {type: string}}}`, []string{"x: a is not required"}},
		"field not known":   {`{type: object}`, `{type: object, properties: {a: {type: string}}}`, []string{"x: a can be anything"}},
		"field never there": {`{type: object, additionalProperties: false}`, `{type: object, properties: {a: {type: string}}}`, nil},
		"inside a list":     {`{type: array, items: {type: string}}`, `{type: array, minItems: 1, items: {type: string, maxLength: 1}}`, []string{"x: minItems", "x[]: maxLength"}},
		"other fields":      {`{type: object}`, `{type: object, additionalProperties: {type: string}}`, []string{"x: other fields can be anything"}},
		"one of allOf":      {`{allOf: [{type: string, maxLength: 5}, {minLength: 1}]}`, `{type: string, maxLength: 5}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, looser("x", parseSchema(t, tt.a), parseSchema(t, tt.b)))
		})
	}
}

// parseSchema reads one schema, which nothing refers to.
func parseSchema(t *testing.T, text string) *openapi3.Schema {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(
		"{openapi: 3.0.3, info: {title: t, version: '1'}, paths: {}, components: {schemas: {S: " + text + "}}}"))
	require.NoError(t, err)
	return doc.Components.Schemas["S"].Value
}
