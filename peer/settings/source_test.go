package settings_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// sourced makes a folder whose configuration is what another folder's
// service.json says, over HTTP.
func sourced(t *testing.T, handler http.HandlerFunc) (dir, source string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	source = server.URL + "/service.json"
	return newFolder(t, settings.Choice{Source: source}), source
}

func TestSource(t *testing.T) {
	there := newFolder(t, settings.Choice{})
	testfolder.Edit(t, there, "from there", "cluster", "peername")
	testfolder.Edit(t, there, "access.log", "api", "pinsvcapi", "http_log_file")
	dir, source := sourced(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(there, settings.File))
	})
	require.Equal(t, map[string]any{"source": source}, testfolder.Section(t, dir), "nothing else is written")
	before, err := os.ReadFile(filepath.Join(dir, settings.File))
	require.NoError(t, err)

	t.Setenv("CLUSTER_LEAVEONSHUTDOWN", "true")
	s, err := settings.Load(dir, false)
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, "from there", s.Cluster.Peername)
	require.True(t, s.Cluster.LeaveOnShutdown, "the environment is the last word")
	require.Equal(t, dir, s.Pinsvcapi.BaseDir(), "files are in the folder of this peer")
	require.Equal(t, filepath.Join(dir, "peerstore"), s.Cluster.GetPeerstorePath())
	saved, err := s.JSON()
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(saved), "what is saved is the source alone")

	_, err = settings.SetPassword(dir, "somebody", "a long password")
	require.ErrorContains(t, err, "at its source")
	after, err := os.ReadFile(filepath.Join(dir, settings.File))
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestSourceMistakes(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		wants  string
	}{
		{"not there", http.NotFound, "404"},
		{"not JSON", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{\n\n,}")) }, "line 3"},
		{"a source again", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"source":"http://127.0.0.1:1"}`)) }, "source again"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 10<<20+1)) }, "larger than"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("{"))
		}, "EOF"},
		{"a mistake in it", func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"cluster":{"secret":"` + strings.Repeat("ab", 32) + `"},"consensus":{"crdt":{}},"api":{"pinsvcapi":{"read_timeot":"5s"}}}`))
		}, "api.pinsvcapi.read_timeot"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, _ := sourced(t, c.answer)
			_, err := settings.Load(dir, false)
			require.ErrorContains(t, err, c.wants)
			require.ErrorContains(t, err, filepath.Join(dir, settings.File))
		})
	}
	for _, bad := range []string{"service.json", "ftp://127.0.0.1/x", "http://", "http://u:sesame@[", "file:///etc/passwd"} {
		t.Run(bad, func(t *testing.T) {
			testfolder.Isolate(t)
			dir := filepath.Join(t.TempDir(), "peer")
			_, err := folder.Create(dir, folder.CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "pebble", Source: bad}})
			require.ErrorContains(t, err, "source: ")
			require.NotContains(t, err.Error(), "sesame")
			require.NoDirExists(t, dir)
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		dir := newFolder(t, settings.Choice{Source: "http://user:sesame@127.0.0.1:1/x"})
		_, err := settings.Load(dir, false)
		require.ErrorContains(t, err, "http://user:xxxxx@127.0.0.1:1/x")
		require.NotContains(t, err.Error(), "sesame")
	})
}
