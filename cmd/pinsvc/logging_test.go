package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseLogLevels(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		debug bool
		wants map[string]string
	}{
		{"nothing", "", false, map[string]string{"pinsvc": "info", "cluster": "warn", "badger": "warn", "raftlib": "error", "provider": "fatal"}},
		{"one for all", "info", false, map[string]string{"pinsvc": "info", "cluster": "info", "ipfshttp": "info", "badger": "info", "raftlib": "error"}},
		{"one for all by name", "all:error", false, map[string]string{"pinsvc": "error", "cluster": "error"}},
		{"one for a component", "cluster:debug", false, map[string]string{"pinsvc": "info", "cluster": "debug", "restapi": "warn"}},
		{"both", " warn , cluster:debug,pinsvc:error", false, map[string]string{"pinsvc": "error", "cluster": "debug", "restapi": "warn"}},
		{"a component that is not in a list", "dht:debug", false, map[string]string{"dht": "debug"}},
		{"the words of the documentation", "warning,cluster:notice,crdt:CRITICAL", false, map[string]string{"restapi": "warn", "cluster": "info", "crdt": "fatal"}},
		{"everything", "", true, map[string]string{"*": "debug", "pinsvc": "debug", "cluster": "debug"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			levels, err := parseLogLevels(c.text, c.debug)
			require.NoError(t, err)
			for name, level := range c.wants {
				require.Equal(t, level, levels[name], name)
			}
		})
	}
	for _, text := range []string{"loud", "cluster:loud", "cluster:", "a:b:c", "info,:"} {
		_, err := parseLogLevels(text, false)
		require.ErrorContains(t, err, "unknown log level", text)
	}
}

func FuzzParseLogLevels(f *testing.F) {
	f.Add("info,cluster:debug")
	f.Fuzz(func(t *testing.T, text string) {
		levels, err := parseLogLevels(text, false)
		for name, level := range levels {
			require.NoError(t, err)
			_, err := parseLevel(level)
			require.NoError(t, err, name)
		}
	})
}
