package peer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestDamagedFolder: words and a remedy for what does not open, and no panic.
func TestDamagedFolder(t *testing.T) {
	for _, c := range []struct {
		name, file, text, wants string
		o                       settings.Choice
	}{
		{"no object", settings.File, "[]", "no JSON object", settings.Choice{}},
		{"null", settings.File, "null", "no JSON object", settings.Choice{}},
		{"records", "ipfs/records", "x", "move the folder records away", settings.Choice{IPFS: settings.IPFSEmbedded}},
		{"blocks", "ipfs/blocks/SHARDING", "x", "write it and start again", settings.Choice{IPFS: settings.IPFSEmbedded}},
		{"identity of the node", "ipfs/identity", "x", "from a backup", settings.Choice{IPFS: settings.IPFSEmbedded}},
		{"raft.db", "raft/raft.db", strings.Repeat("x", 70000), "move it away and start with --bootstrap", settings.Choice{Consensus: "raft"}},
		{"raft.db, cut off", "raft/raft.db", "x", "move it away and start with --bootstrap", settings.Choice{Consensus: "raft"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newFolder(t, c.o)
			path := filepath.Join(dir, c.file)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			o := Options{Folder: dir}
			if c.o.IPFS == "" {
				o.Connector = newMemory()
			}
			_, err := Start(t.Context(), o)
			require.ErrorContains(t, err, c.wants)
		})
	}
}
