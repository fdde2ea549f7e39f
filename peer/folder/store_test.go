package folder

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// The disk that is watched is the one that the consensus writes to.
func TestWatchedFolder(t *testing.T) {
	for _, tt := range []struct{ consensus, datastore, folder string }{
		{"crdt", "pebble", "pebble"}, {"crdt", "badger3", "badger3"}, {"crdt", "leveldb", "leveldb"}, {"raft", "pebble", "raft"},
	} {
		t.Run(tt.folder, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "peer")
			_, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: tt.consensus, Datastore: tt.datastore}})
			require.NoError(t, err)
			loaded, err := settings.Load(folder, false)
			require.NoError(t, err)
			s := NewStore(loaded)
			defer s.Close()
			before := s.Pebble.PebbleOptions.FS
			w, err := s.WatchDisk(tt.consensus)
			require.NoError(t, err)
			require.Equal(t, filepath.Join(folder, tt.folder), w.Folder())
			require.Equal(t, tt.folder == "pebble", s.Pebble.PebbleOptions.FS != before, "what cannot be written waits")
		})
	}
}

func TestDatastoreThatDoesNotOpenOnAFullDisk(t *testing.T) {
	err := explainStore(fmt.Errorf("write 000001.log: %w", syscall.ENOSPC))
	require.ErrorContains(t, err, "free some space")
	require.NotContains(t, err.Error(), "move its folder away")
}
