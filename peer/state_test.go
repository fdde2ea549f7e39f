package peer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/cmdutils"
	"github.com/stretchr/testify/require"
)

// somePins are an export: pins with everything that a pin can have.
func somePins(t *testing.T, n int) string {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	origin, err := api.NewMultiaddr("/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")
	require.NoError(t, err)
	for i := range n {
		pin := api.PinWithOpts(api.NewCid(newCID(t, fmt.Sprint("state ", i))), api.PinOptions{
			Name:                 fmt.Sprintf("näme %d", i),
			ReplicationFactorMin: 1,
			ReplicationFactorMax: 2,
			Metadata:             map[string]string{"k": fmt.Sprint(i)},
			Origins:              []api.Multiaddr{origin},
			ExpireAt:             time.Date(2100, 1, 1, 0, 0, i, 0, time.UTC),
		})
		pin.Timestamp = time.Date(2020, 1, 1, 0, 0, i, 0, time.UTC)
		require.NoError(t, enc.Encode(pin))
	}
	return out.String()
}

// lines are those of an export in an order.
func lines(export string) []string {
	all := strings.Split(strings.TrimSuffix(export, "\n"), "\n")
	slices.Sort(all)
	return all
}

func export(t *testing.T, folder string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ExportState(t.Context(), folder, &out))
	return out.String()
}

// libraryState is how ipfs-cluster-service gets at the state of a folder.
func libraryState(t *testing.T, folder string) cmdutils.StateManager {
	t.Helper()
	h, err := cmdutils.NewLoadedConfigHelper(filepath.Join(folder, settingsFile), filepath.Join(folder, identityFile))
	require.NoError(t, err)
	go h.Manager().Shutdown()
	m, err := cmdutils.NewStateManagerWithHelper(h)
	require.NoError(t, err)
	return m
}

func TestStateRoundTrip(t *testing.T) {
	for _, c := range []struct{ consensus, datastore string }{
		{"crdt", "pebble"}, {"crdt", "badger3"}, {"crdt", "badger"}, {"crdt", "leveldb"}, {"raft", "pebble"},
	} {
		t.Run(c.consensus+" "+c.datastore, func(t *testing.T) {
			folder := newFolder(t, CreateOptions{Consensus: c.consensus, Datastore: c.datastore})
			require.Empty(t, export(t, folder), "a new peer has no pins")

			pins := somePins(t, 50)
			n, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{})
			require.NoError(t, err)
			require.Equal(t, 50, n)
			require.Equal(t, lines(pins), lines(export(t, folder)))

			var theirs bytes.Buffer
			require.NoError(t, libraryState(t, folder).ExportState(&theirs))
			require.Equal(t, lines(theirs.String()), lines(export(t, folder)), "byte by byte what the library exports")

			n, err = ImportState(t.Context(), folder, strings.NewReader(lines(pins)[7]), ImportOptions{})
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, lines(pins)[7:8], lines(export(t, folder)), "an import replaces")

			require.NoError(t, CleanState(t.Context(), folder))
			require.Empty(t, export(t, folder))
		})
	}
}

// TestStateFromLibrary: a folder that the library has filled.
func TestStateFromLibrary(t *testing.T) {
	for _, consensus := range []string{"crdt", "raft"} {
		t.Run(consensus, func(t *testing.T) {
			folder := libraryFolder(t, consensus, "leveldb")
			pins := somePins(t, 20)
			require.NoError(t, libraryState(t, folder).ImportState(strings.NewReader(pins), api.PinOptions{}))
			require.Equal(t, lines(pins), lines(export(t, folder)))
		})
	}
}

// TestImportKeepsWhatItCannotReplace: an import that cannot be read to its end
// changes nothing.
func TestImportKeepsWhatItCannotReplace(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	pins := somePins(t, 5)
	_, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{})
	require.NoError(t, err)
	for _, c := range []struct{ name, text, wants string }{
		{"cut off", somePins(t, 3)[:400], "nothing was changed"},
		{"no JSON", "nonsense", "pin 1"},
		{"no pin", "{}", "pin 1: has no cid"},
		{"something after the pins", pins + "]", "pin 6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ImportState(t.Context(), folder, strings.NewReader(c.text), ImportOptions{})
			require.ErrorContains(t, err, c.wants)
			require.Equal(t, lines(pins), lines(export(t, folder)))
			left, err := filepath.Glob(filepath.Join(folder, "import-*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// TestExportFails: a writer that fails ends the export.
func TestExportFails(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	_, err := ImportState(t.Context(), folder, strings.NewReader(somePins(t, 100)), ImportOptions{})
	require.NoError(t, err)
	require.ErrorIs(t, ExportState(t.Context(), folder, brokenWriter{}), os.ErrClosed)
	require.Len(t, lines(export(t, folder)), 100, "and leaves the folder usable")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

// TestPeerOnImportedState: a peer shows what was imported, and exports what it
// was asked to pin.
func TestPeerOnImportedState(t *testing.T) {
	for _, consensus := range []string{"crdt", "raft"} {
		t.Run(consensus, func(t *testing.T) {
			if consensus == "raft" {
				skipRaft(t)
			}
			folder := newFolder(t, CreateOptions{Consensus: consensus})
			pins := somePins(t, 3)
			_, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{})
			require.NoError(t, err)

			p := startPeer(t, Options{Folder: folder, Connector: newMemory()})
			status, body := request(t, p, http.MethodGet, "/pins?status=queued,pinning,pinned,failed", "")
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, `"count":3`)
			status, body = request(t, p, http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q}`, newCID(t, "one more")))
			require.Equal(t, http.StatusAccepted, status, body)
			require.NoError(t, p.Shutdown(t.Context()))

			after := lines(export(t, folder))
			require.Len(t, after, 4)
			for _, line := range lines(pins) {
				require.Contains(t, after, line)
			}
		})
	}
}
