package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKeys: what is said of a key is what the file and the environment do.
func TestKeys(t *testing.T) {
	keys, err := newSample().Keys()
	require.NoError(t, err)
	byName := map[string]Key{}
	for _, k := range keys {
		byName[k.Name] = k
		require.NoError(t, newSample().LoadJSON([]byte(`{"`+k.Name+`":`+string(k.Default)+`}`)), k.Name)
	}
	require.Len(t, byName, len(keys))

	timeout := byName["timeout"]
	require.Equal(t, `"1m0s"`, string(timeout.Default))
	require.Equal(t, reflect.TypeFor[Duration](), timeout.Type)
	require.Equal(t, reflect.TypeFor[Shared](), timeout.Owner)
	require.Equal(t, "Timeout", timeout.Field)
	require.Equal(t, reflect.TypeFor[sample](), byName["size"].Owner)

	t.Setenv(timeout.Env, "7s")
	s := newSample()
	require.NoError(t, s.ApplyEnvVars())
	require.Equal(t, Duration(7*time.Second), s.Value().Timeout)
}
