package folder

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestGeneration: each opening of a datastore is noticed, and nothing else.
func TestGeneration(t *testing.T) {
	for _, datastore := range []string{"pebble", "badger3", "leveldb", "badger"} {
		t.Run(datastore, func(t *testing.T) {
			folder := newFolder(t, settings.Choice{Datastore: datastore})
			loaded, err := settings.Load(folder, false)
			require.NoError(t, err)
			s := NewStore(loaded)
			defer s.Close()
			b, err := s.backend()
			require.NoError(t, err)
			seen := []string{""}
			for range 12 {
				store, err := b.open(b.folder(), serving)
				require.NoError(t, err)
				now := generation(b)
				require.Equal(t, now, generation(b))
				require.NoError(t, store.Close())
				require.Equal(t, now, generation(b), "closing is no opening")
				if datastore == "badger" {
					require.Empty(t, now, "it cannot be known")
					continue
				}
				require.NotContains(t, seen, now)
				seen = append(seen, now)
			}
		})
	}
}
