package folder

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs/go-datastore"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/pinset/exported"
)

// backendsOfPeers are the ways in which a peer keeps its pinset.
var backendsOfPeers = []settings.Choice{
	{Consensus: "crdt", Datastore: "pebble"}, {Consensus: "crdt", Datastore: "badger3"},
	{Consensus: "crdt", Datastore: "badger"}, {Consensus: "crdt", Datastore: "leveldb"},
	{Consensus: "raft", Datastore: "pebble"},
}

func nameOf(o settings.Choice) string { return o.Consensus + " " + o.Datastore }

func imported(t *testing.T, folder, pins string) {
	t.Helper()
	_, err := ImportState(t.Context(), folder, strings.NewReader(pins), ImportOptions{})
	require.NoError(t, err)
}

// whatIsLeft are the files and folders beside those of a peer at rest.
func whatIsLeft(t *testing.T, folder string) (left []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, "import-") || strings.HasPrefix(name, unfinishedFile) ||
			strings.HasSuffix(name, swapNew) || strings.HasSuffix(name, swapWhole) || strings.HasSuffix(name, swapOld) {
			left = append(left, name)
		}
	}
	return left
}

// TestImportThatFailsChangesNothing: whatever ends an import, the old pinset is
// there as it was, and nothing else.
func TestImportThatFailsChangesNothing(t *testing.T) {
	for _, o := range backendsOfPeers {
		t.Run(nameOf(o), func(t *testing.T) {
			folder := newFolder(t, o)
			old := testfolder.Pins(t, 300)
			imported(t, folder, old)
			others := strings.ReplaceAll(testfolder.Pins(t, 400), "näme", "other")
			half := others[:len(others)/2]
			short := compressed(t, others)
			broken := strings.Replace(others, "\n{", "\n{broken\n{", 1)

			for name, input := range map[string]io.Reader{
				"cut off in a line":           strings.NewReader(half),
				"a broken line":               strings.NewReader(broken),
				"nothing":                     strings.NewReader(""),
				"white space":                 strings.NewReader("\n \n"),
				"gzip, cut off":               bytes.NewReader(short[:len(short)-100]),
				"gzip, without its end":       bytes.NewReader(short[:len(short)-8]),
				"gzip, of nothing":            bytes.NewReader(compressed(t, "")),
				"a reader that fails":         io.MultiReader(strings.NewReader(half), failingReader{}),
				"a pin without a CID":         strings.NewReader(others + "{}"),
				"zeros after a loss of power": strings.NewReader(half[:strings.LastIndex(half, "\n")] + "\n" + strings.Repeat("\x00", 4096)),
			} {
				_, err := ImportState(t.Context(), folder, input, ImportOptions{})
				require.ErrorContains(t, err, "nothing was changed", name)
				require.Equal(t, testfolder.Lines(old), testfolder.Lines(export(t, folder)), name)
				require.Empty(t, whatIsLeft(t, folder), name)
			}

			ctx, cancel := context.WithCancelCause(t.Context())
			_, err := ImportState(ctx, folder, strings.NewReader(others), ImportOptions{Progress: func(n int) {
				if n == 200 {
					cancel(errors.New("enough"))
				}
			}})
			require.ErrorContains(t, err, "enough")
			require.Equal(t, testfolder.Lines(old), testfolder.Lines(export(t, folder)))

			_, err = ImportState(t.Context(), folder, bytes.NewReader(short), ImportOptions{})
			require.NoError(t, err)
			require.Equal(t, testfolder.Lines(others), testfolder.Lines(export(t, folder)))
		})
	}
}

// TestLargeImport: more pins than a node of a CRDT has. The last pin of a CID
// counts, wherever the first one is, and what is exported is imported again as it
// is.
func TestLargeImport(t *testing.T) {
	const n = 12_000
	pins := testfolder.Lines(testfolder.Pins(t, n))
	for _, o := range backendsOfPeers {
		t.Run(nameOf(o), func(t *testing.T) {
			folder := newFolder(t, o)
			early := strings.ReplaceAll(strings.Join(append(pins[:50:50], pins[n-50:]...), "\n"), "näme", "early")
			_, err := ImportState(t.Context(), folder, strings.NewReader(early+strings.Join(pins, "\n")), ImportOptions{})
			require.NoError(t, err)
			first := export(t, folder)
			require.Equal(t, pins, testfolder.Lines(first))
			_, err = ImportState(t.Context(), folder, strings.NewReader(first), ImportOptions{})
			require.NoError(t, err)
			again := export(t, folder)
			if o.Datastore == "pebble" && o.Consensus == "crdt" {
				require.True(t, first == again, "in the order of the datastore")
			}
			require.Equal(t, pins, testfolder.Lines(again))
			if o.Consensus == "crdt" {
				info, err := InspectCRDT(t.Context(), folder)
				require.NoError(t, err)
				require.Len(t, info.Heads, 1)
				require.Greater(t, info.MaxHeight, uint64(1))
				require.False(t, info.Dirty)
			}
		})
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("the disk fell off") }

func compressed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	require.NoError(t, errors.Join(err, w.Close()))
	return out.Bytes()
}

// TestImportKeepsOtherRecords: the DHT has its records in the same datastore.
func TestImportKeepsOtherRecords(t *testing.T) {
	for _, o := range backendsOfPeers[:4] {
		t.Run(nameOf(o), func(t *testing.T) {
			folder := newFolder(t, o)
			imported(t, folder, testfolder.Pins(t, 3))
			key := datastore.NewKey("/providers/x")
			withStore(t, folder, func(_ *Store, store datastore.Datastore) {
				require.NoError(t, store.Put(t.Context(), key, []byte("record")))
				require.NoError(t, store.Sync(t.Context(), key))
			})
			imported(t, folder, testfolder.Pins(t, 5))
			require.NoError(t, CleanState(t.Context(), folder))
			withStore(t, folder, func(_ *Store, store datastore.Datastore) {
				value, err := store.Get(t.Context(), key)
				require.NoError(t, err)
				require.Equal(t, "record", string(value))
			})
		})
	}
}

func withStore(t *testing.T, folder string, f func(*Store, datastore.Datastore)) {
	t.Helper()
	loaded, err := settings.Load(folder, true)
	require.NoError(t, err)
	s := NewStore(loaded)
	defer s.Close()
	store, err := s.Open()
	require.NoError(t, err)
	f(s, store)
	require.NoError(t, store.Close())
}

// TestImportInPlace: a datastore that is a mount point. What an interruption
// leaves is completed by whatever uses the folder next.
func TestImportInPlace(t *testing.T) {
	for _, o := range backendsOfPeers {
		t.Run(nameOf(o), func(t *testing.T) {
			folder := newFolder(t, o)
			imported(t, folder, testfolder.Pins(t, 50))
			pins := testfolder.Pins(t, 20)
			replace := func(text io.Reader) error {
				return Offline(folder, func(s *Store) error { return s.replaceInPlace(t.Context(), &exported.Pins{Text: text}) })
			}
			require.NoError(t, replace(strings.NewReader(pins)))
			require.Equal(t, testfolder.Lines(pins), testfolder.Lines(export(t, folder)))
			require.Empty(t, whatIsLeft(t, folder))

			require.ErrorContains(t, replace(io.MultiReader(strings.NewReader(testfolder.Pins(t, 70)), failingReader{})), "nothing was changed")
			require.Equal(t, testfolder.Lines(pins), testfolder.Lines(export(t, folder)))

			// A kill in the middle: half of the old pinset is gone.
			half := testfolder.Pins(t, 30)
			require.NoError(t, os.WriteFile(filepath.Join(folder, unfinishedFile), []byte(half), 0o600))
			if o.Consensus == "crdt" {
				withStore(t, folder, func(s *Store, store datastore.Datastore) {
					require.NoError(t, crdt.Clean(t.Context(), s.Crdt, store))
				})
			}
			require.Equal(t, testfolder.Lines(half), testfolder.Lines(export(t, folder)))
			require.NoFileExists(t, filepath.Join(folder, unfinishedFile))

			require.NoError(t, os.WriteFile(filepath.Join(folder, unfinishedFile), nil, 0o600))
			require.Empty(t, export(t, folder), "of a cleanup")
			require.Empty(t, whatIsLeft(t, folder))
		})
	}
}

// TestRaftBackups: the data folder that is replaced stays as the newest backup,
// also when the backups have a hole.
func TestRaftBackups(t *testing.T) {
	folder := newFolder(t, settings.Choice{Consensus: "raft"})
	testfolder.Edit(t, folder, 3, "consensus", "raft", "backups_rotate")
	for i := 1; i <= 6; i++ {
		imported(t, folder, testfolder.Pins(t, i))
		if i == 4 {
			require.NoError(t, os.RemoveAll(filepath.Join(folder, "raft.old.1")))
		}
	}
	require.NoError(t, CleanState(t.Context(), folder))
	require.NoError(t, CleanState(t.Context(), folder), "nothing to keep")
	require.Empty(t, export(t, folder))
	for i, wants := range []int{6, 5, 4} {
		require.NoError(t, os.RemoveAll(filepath.Join(folder, "raft")))
		require.NoError(t, os.CopyFS(filepath.Join(folder, "raft"), os.DirFS(filepath.Join(folder, fmt.Sprintf("raft.old.%d", i)))))
		require.Len(t, testfolder.Lines(export(t, folder)), wants)
	}
	require.NoDirExists(t, filepath.Join(folder, "raft.old.3"))
}

// TestCleanOfARunningPeerIsCompleted: a peer that leaves its cluster and is
// killed in the middle of giving up its pinset.
func TestCleanOfARunningPeerIsCompleted(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	imported(t, folder, testfolder.Pins(t, 5))
	loaded, err := settings.Load(folder, true)
	require.NoError(t, err)
	s := NewStore(loaded)
	defer s.Close()
	require.ErrorIs(t, s.MarkedCleanup(func() error { return io.ErrUnexpectedEOF }), io.ErrUnexpectedEOF)
	require.Empty(t, export(t, folder))
	require.NoError(t, s.MarkedCleanup(func() error { return nil }))
	require.Empty(t, whatIsLeft(t, folder))
}

// TestCreateInterrupted: init -f that is interrupted before its last step leaves
// the configuration that was there.
func TestCreateReplacesAtOnce(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	path := filepath.Join(folder, settings.File)
	var seen int
	stop := make(chan struct{})
	watched := make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				watched <- nil
				return
			default:
			}
			text, err := os.ReadFile(path)
			if err == nil && !json.Valid(text) {
				err = errors.New("a part of service.json")
			}
			if err != nil {
				watched <- err
				return
			}
			seen++
		}
	}()
	for range 5 {
		_, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "leveldb"}, Overwrite: true})
		require.NoError(t, err)
	}
	close(stop)
	require.NoError(t, <-watched)
	require.NotZero(t, seen)
}
