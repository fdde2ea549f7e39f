package peer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExposedSecrets: a configuration that everybody can read is told, and is
// mended when it is written.
func TestExposedSecrets(t *testing.T) {
	folder := newFolder(t, CreateOptions{})
	settings, identity := filepath.Join(folder, settingsFile), filepath.Join(folder, identityFile)
	notices := func() string {
		s, err := LoadSettings(folder, true)
		require.NoError(t, err)
		defer s.Close()
		return strings.Join(s.exposed(), "\n")
	}
	require.NoError(t, os.Chmod(settings, 0o644))
	require.Empty(t, notices(), "nobody else may enter the folder")
	require.NoError(t, os.Chmod(folder, 0o755))
	require.NoError(t, os.Chmod(identity, 0o604))
	require.Contains(t, notices(), "chmod 600 "+settings+" "+identity)
	_, err := SetPassword(folder, "anna", "entry")
	require.NoError(t, err)
	require.NotContains(t, notices(), settings)
	require.NoError(t, os.Chmod(identity, 0o640))
	require.Empty(t, notices(), "a group may have been meant")
}

// TestDamagedFolder: words and a remedy for what does not open, and no panic.
func TestDamagedFolder(t *testing.T) {
	for _, c := range []struct {
		name, file, text, wants string
		o                       CreateOptions
	}{
		{"no object", settingsFile, "[]", "no JSON object", CreateOptions{}},
		{"null", settingsFile, "null", "no JSON object", CreateOptions{}},
		{"records", "ipfs/records", "x", "move the folder records away", CreateOptions{IPFS: IPFSEmbedded}},
		{"blocks", "ipfs/blocks/SHARDING", "x", "write it and start again", CreateOptions{IPFS: IPFSEmbedded}},
		{"identity of the node", "ipfs/identity", "x", "from a backup", CreateOptions{IPFS: IPFSEmbedded}},
		{"raft.db", "raft/raft.db", strings.Repeat("x", 70000), "move it away and start with --bootstrap", CreateOptions{Consensus: "raft"}},
		{"raft.db, cut off", "raft/raft.db", "x", "move it away and start with --bootstrap", CreateOptions{Consensus: "raft"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := newFolder(t, c.o)
			path := filepath.Join(folder, c.file)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			o := Options{Folder: folder}
			if c.o.IPFS == "" {
				o.Connector = newMemory()
			}
			_, err := Start(t.Context(), o)
			require.ErrorContains(t, err, c.wants)
		})
	}
}
