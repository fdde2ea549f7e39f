package peer

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestPeerOnImportedState: a peer shows what was imported, and exports what it
// was asked to pin.
func TestPeerOnImportedState(t *testing.T) {
	for _, consensus := range []string{"crdt", "raft"} {
		t.Run(consensus, func(t *testing.T) {
			if consensus == "raft" {
				skipRaft(t)
			}
			dir := newFolder(t, settings.Choice{Consensus: consensus})
			pins := testfolder.Pins(t, 3)
			_, err := folder.ImportState(t.Context(), dir, strings.NewReader(pins), folder.ImportOptions{})
			require.NoError(t, err)

			p := startPeer(t, Options{Folder: dir, Connector: newMemory()})
			status, body := request(t, p, http.MethodGet, "/pins?status=queued,pinning,pinned,failed", "")
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, `"count":3`)
			status, body = request(t, p, http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q}`, newCID(t, "one more")))
			require.Equal(t, http.StatusAccepted, status, body)
			require.NoError(t, p.Shutdown(t.Context()))

			after := testfolder.Lines(export(t, dir))
			require.Len(t, after, 4)
			for _, line := range testfolder.Lines(pins) {
				require.Contains(t, after, line)
			}
		})
	}
}

// TestPeerOfASource: the configuration is at a URL, and service.json stays as it is.
func TestPeerOfASource(t *testing.T) {
	there := newFolder(t, settings.Choice{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, settings.Path(there))
	}))
	defer server.Close()
	dir := newFolder(t, settings.Choice{Source: server.URL})
	before, err := os.ReadFile(settings.Path(dir))
	require.NoError(t, err)
	p := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	require.NoError(t, p.Shutdown(t.Context()))
	after, err := os.ReadFile(settings.Path(dir))
	require.NoError(t, err)
	require.Equal(t, before, after)
}
