package folder

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/cmdutils"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func export(t *testing.T, folder string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ExportState(t.Context(), folder, &out))
	return out.String()
}

// libraryState is how ipfs-cluster-service gets at the state of a folder.
func libraryState(t *testing.T, folder string) cmdutils.StateManager {
	t.Helper()
	h, err := cmdutils.NewLoadedConfigHelper(filepath.Join(folder, settings.File), filepath.Join(folder, settings.IdentityFile))
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
			folder := newFolder(t, settings.Choice{Consensus: c.consensus, Datastore: c.datastore})
			require.Empty(t, export(t, folder), "a new peer has no pins")

			pins := testfolder.Pins(t, 50)
			n, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{})
			require.NoError(t, err)
			require.Equal(t, 50, n)
			require.Equal(t, testfolder.Lines(pins), testfolder.Lines(export(t, folder)))

			var theirs bytes.Buffer
			require.NoError(t, libraryState(t, folder).ExportState(&theirs))
			require.Equal(t, testfolder.Lines(theirs.String()), testfolder.Lines(export(t, folder)), "byte by byte what the library exports")

			n, err = ImportState(t.Context(), folder, strings.NewReader(testfolder.Lines(pins)[7]), ImportOptions{})
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, testfolder.Lines(pins)[7:8], testfolder.Lines(export(t, folder)), "an import replaces")

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
			pins := testfolder.Pins(t, 20)
			require.NoError(t, libraryState(t, folder).ImportState(strings.NewReader(pins), api.PinOptions{}))
			require.Equal(t, testfolder.Lines(pins), testfolder.Lines(export(t, folder)))
		})
	}
}

// TestImportKeepsWhatItCannotReplace: an import that cannot be read to its end
// changes nothing.
func TestImportKeepsWhatItCannotReplace(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	pins := testfolder.Pins(t, 5)
	_, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{})
	require.NoError(t, err)
	for _, c := range []struct{ name, text, wants string }{
		{"cut off", testfolder.Pins(t, 3)[:400], "nothing was changed"},
		{"no JSON", "nonsense", "pin 1"},
		{"no pin", "{}", "pin 1: has no cid"},
		{"something after the pins", pins + "]", "pin 6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ImportState(t.Context(), folder, strings.NewReader(c.text), ImportOptions{})
			require.ErrorContains(t, err, c.wants)
			require.Equal(t, testfolder.Lines(pins), testfolder.Lines(export(t, folder)))
			left, err := filepath.Glob(filepath.Join(folder, "import-*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// TestExportFails: a writer that fails ends the export.
func TestExportFails(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	_, err := ImportState(t.Context(), folder, strings.NewReader(testfolder.Pins(t, 100)), ImportOptions{})
	require.NoError(t, err)
	require.ErrorIs(t, ExportState(t.Context(), folder, brokenWriter{}), os.ErrClosed)
	require.Len(t, testfolder.Lines(export(t, folder)), 100, "and leaves the folder usable")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }
