package config

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSetMember(t *testing.T) {
	for _, c := range []struct {
		name, document string
		keys           []string
		want           string // "" for an error
	}{
		{"another value", `{"b":{"x":1,"y":[1, 2]},"a":null}`, []string{"b", "x"}, `{"b":{"x":"new","y":[1,2]},"a":null}`},
		{"a new member", `{"b":{"x":1e400}}`, []string{"b", "z"}, `{"b":{"x":1e400,"z":"new"}}`},
		{"new objects", `{"a":true}`, []string{"b", "c"}, `{"a":true,"b":{"c":"new"}}`},
		{"null", `{"b":null,"a":1}`, []string{"b", "c"}, `{"b":{"c":"new"},"a":1}`},
		{"a key with dots and quotes", `{"a.b":1}`, []string{`"a".b`}, `{"a.b":1,"\"a\".b":"new"}`},
		{"given twice", `{"a":1,"a":2}`, []string{"a"}, `{"a":1,"a":"new"}`},
		{"no document", ``, []string{"a"}, `{"a":"new"}`},
		{"no object", `{"a":{"b":[]}}`, []string{"a", "b", "c"}, ``},
		{"no JSON", `{"a":`, []string{"a"}, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := SetMember([]byte(c.document), "new", c.keys...)
			if c.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			var compact bytes.Buffer
			require.NoError(t, json.Compact(&compact, got))
			require.Equal(t, c.want, compact.String())
		})
	}
}
