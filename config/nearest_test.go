package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	names := []string{"read_timeout", "read_header_timeout", "id", "headers"}
	for word, want := range map[string]string{
		"read_timeot":         "read_timeout",
		"Read_Timeout":        "read_timeout",
		"readtimeout":         "read_timeout",
		"read_header_timeuot": "read_header_timeout",
		"header":              "headers",
		"ID":                  "id",
		"ip":                  "",
		"timeout":             "",
		"":                    "",
		"unheard_of":          "",
	} {
		require.Equal(t, want, nearest(word, names), word)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		require.Equal(t, c.want, distance(c.a, c.b))
		require.Equal(t, c.want, distance(c.b, c.a))
	}
}
