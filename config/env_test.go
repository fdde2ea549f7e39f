package config

import (
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func TestApplyEnvVars(t *testing.T) {
	for name, value := range map[string]string{
		"CLUSTER_SAMPLE_ADDRESS":  "/unix/tmp/a.sock,/ip4/127.0.0.1/tcp/1",
		"CLUSTER_SAMPLE_EXTRA":    "",
		"CLUSTER_SAMPLE_TIMEOUT":  "5s",
		"CLUSTER_SAMPLE_PASSWORD": "p",
		"CLUSTER_SAMPLE_USERS":    "u:w,v:x",
		"CLUSTER_SAMPLE_SIZE":     "7",
		"CLUSTER_SAMPLE_NAMES":    "c,d",
		"CLUSTER_SAMPLE_HEADERS":  "A:b,C:d",
		"CLUSTER_SAMPLE_FAST":     "true",
		"CLUSTER_SAMPLE_NOTE":     "n",
		// What a container platform adds for a service called "sample".
		"CLUSTER_SAMPLE_SERVICE_HOST": "10.0.0.1",
	} {
		t.Setenv(name, value)
	}
	s := newSample()
	require.NoError(t, s.ApplyEnvVars())
	require.Equal(t, sample{
		Shared: Shared{
			Address:  Multiaddrs{ma.StringCast("/unix/tmp/a.sock"), ma.StringCast("/ip4/127.0.0.1/tcp/1")},
			Timeout:  Duration(5 * time.Second),
			Password: "p",
			Users:    map[string]string{"u": "w", "v": "x"},
		},
		Size:    7,
		Names:   []string{"c", "d"},
		Headers: map[string][]string{"A": {"b"}, "C": {"d"}},
		Fast:    true,
		Note:    "n",
	}, s.Value())
}

func TestApplyEnvVarsKeepsTheFile(t *testing.T) {
	t.Setenv("CLUSTER_SAMPLE_TIMEOUT", "")
	t.Setenv("CLUSTER_SAMPLE_ADDRESS", "")
	s := newSample()
	require.NoError(t, s.LoadJSON([]byte(`{"timeout":"3s","size":4}`)))
	want := s.Value()
	require.NoError(t, s.ApplyEnvVars())
	require.Equal(t, want, s.Value())
}

func TestApplyEnvVarsMistakes(t *testing.T) {
	t.Setenv("CLUSTER_SAMPLE_TIMEOUT", "soon")
	t.Setenv("CLUSTER_SAMPLE_SIZE", "many")
	t.Setenv("CLUSTER_SAMPLE_ADDRESS", "nowhere")
	t.Setenv("CLUSTER_SAMPLE_USERS", "hunter2")
	s := newSample()
	err := s.ApplyEnvVars()
	for _, want := range []string{
		`api.sample.timeout: environment variable CLUSTER_SAMPLE_TIMEOUT: "soon" is not a duration`,
		`api.sample.size: environment variable CLUSTER_SAMPLE_SIZE: `,
		`api.sample.address: environment variable CLUSTER_SAMPLE_ADDRESS: "nowhere" is not a multiaddress`,
		`api.sample.users: environment variable CLUSTER_SAMPLE_USERS: not valid`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 4)
	require.NotContains(t, err.Error(), "hunter2")
	require.Equal(t, sampleDefaults(), s.Value())
}

func TestApplyEnvVarsValidates(t *testing.T) {
	t.Setenv("CLUSTER_SAMPLE_SIZE", "-1")
	s := newSample()
	require.EqualError(t, s.ApplyEnvVars(), "api.sample.size: must not be negative, is -1")
	require.Equal(t, sampleDefaults(), s.Value())
}
