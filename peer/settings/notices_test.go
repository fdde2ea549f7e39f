package settings_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestNotices(t *testing.T) {
	open := map[string]any{"basic_auth_credentials": nil}
	for _, c := range []struct {
		name    string
		section string
		changes map[string]any
		wants   []string // none: no notice about the section
	}{
		{"open on loopback", "pinsvcapi", open, nil},
		{"open to the network", "pinsvcapi",
			map[string]any{"basic_auth_credentials": nil, "http_listen_multiaddress": "/ip4/0.0.0.0/tcp/0"},
			[]string{"api.pinsvcapi", "NO CREDENTIALS", "/ip4/0.0.0.0/tcp/0", "basic_auth_credentials"}},
		{"the REST API open to the network", "restapi",
			map[string]any{"basic_auth_credentials": nil, "http_listen_multiaddress": []string{"/ip4/127.0.0.1/tcp/0", "/ip6/::/tcp/0"}},
			[]string{"api.restapi", "NO CREDENTIALS", "/ip6/::/tcp/0"}},
		{"open on a socket", "pinsvcapi",
			map[string]any{"basic_auth_credentials": nil, "http_listen_multiaddress": "/unix/tmp/socket"}, nil},
		{"with credentials on the network", "pinsvcapi",
			map[string]any{"http_listen_multiaddress": "/ip4/0.0.0.0/tcp/0"}, nil},
		{"nobody may enter", "restapi",
			map[string]any{"basic_auth_credentials": map[string]any{}}, []string{"api.restapi", "nobody"}},
		{"only GET for other origins", "pinsvcapi",
			map[string]any{"cors_allowed_methods": []string{"GET"}, "cors_allowed_headers": []string{}},
			[]string{"api.pinsvcapi", "POST"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newFolder(t, settings.Choice{})
			t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", "")
			t.Setenv("CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS", "")
			for key, value := range c.changes {
				testfolder.Edit(t, dir, value, "api", c.section, key)
			}
			s, err := settings.Load(dir, false)
			require.NoError(t, err)
			defer s.Close()
			notices := strings.Join(s.Notices(), "\n")
			if c.wants == nil {
				require.Empty(t, notices)
			}
			for _, want := range c.wants {
				require.Contains(t, notices, want)
			}
		})
	}
}

// TestNoticesOfLibraryFolder: what v1.1.6 writes is obeyed, with one hint.
func TestNoticesOfLibraryFolder(t *testing.T) {
	s, err := settings.Load(libraryFolder(t, "crdt", "leveldb"), false)
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.Notices(), 1)
	require.Contains(t, s.Notices()[0], "cors_allowed_methods")
}

func TestUnknownSectionsAreNoticed(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, map[string]any{}, "api", "pinsvcap")
	testfolder.Edit(t, dir, map[string]any{}, "sharder")
	s, err := settings.Load(dir, false)
	require.NoError(t, err)
	defer s.Close()
	notices := strings.Join(s.Notices(), "\n")
	for _, name := range []string{"api.pinsvcap", "sharder"} {
		require.Contains(t, notices, name+": nobody knows this section")
	}
	require.Equal(t, 2, strings.Count(notices, "nobody knows"))
}
