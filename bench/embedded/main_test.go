package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	s := time.Second
	for want, times := range map[string]map[string][]time.Duration{
		"x median embedded 2.000 s, kubo 3.000 s, embedded is 1.50 times as fast\n": {
			"embedded": {5 * s, 2 * s, s}, "kubo": {3 * s, 9 * s, s},
		},
		"x median embedded 1.000 s\n": {"embedded": {s}},
	} {
		var out strings.Builder
		report(&out, "x", times)
		require.Equal(t, strings.Fields(want), strings.Fields(out.String()))
	}
}

// The source says where it is and what it has.
func TestSource(t *testing.T) {
	stop, in := strings.NewReader(""), &strings.Builder{}
	require.NoError(t, source(t.Context(), t.TempDir(), stop, in))
	require.Contains(t, in.String(), "/p2p/")
	require.Contains(t, in.String(), `"Name":"10,000 blocks"`)
	require.Error(t, run(t.Context(), []string{"-no-such-flag"}, stop, in))
}
