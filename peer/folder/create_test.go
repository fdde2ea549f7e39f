package folder

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestCreate(t *testing.T) {
	testfolder.Isolate(t)
	t.Setenv("CLUSTER_CRDT_REBROADCASTINTERVAL", "")
	folder := filepath.Join(t.TempDir(), "a", "peer")
	made, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "pebble"}})
	require.NoError(t, err)
	require.True(t, made.NewIdentity)
	require.Empty(t, made.Backup)

	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	for _, file := range []string{settings.File, settings.IdentityFile, "peerstore"} {
		info, err := os.Stat(filepath.Join(folder, file))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}

	loaded, err := settings.Load(folder, false)
	require.NoError(t, err)
	s := NewStore(loaded)
	defer s.Close()
	users := s.Pinsvcapi.Value().BasicAuthCredentials
	require.Len(t, users, 1)
	require.Equal(t, users, s.Restapi.Value().BasicAuthCredentials)
	password, err := base64.RawURLEncoding.DecodeString(users[settings.DefaultUser])
	require.NoError(t, err)
	require.Len(t, password, 32)
	require.Equal(t, 100, s.Crdt.Batching.MaxBatchSize)
	require.Equal(t, time.Millisecond, s.Crdt.Batching.MaxBatchAge)
	require.Equal(t, 5*time.Second, s.Crdt.RebroadcastInterval)
	require.EqualValues(t, 128<<20, s.Pebble.PebbleOptions.Cache.MaxSize())
	sizes := s.Pebble.PebbleOptions.TargetFileSizes
	require.EqualValues(t, 4<<20, sizes[0])
	require.EqualValues(t, 16<<20, sizes[len(sizes)-1])
	require.Empty(t, s.Notices(), "a fresh folder gives no reason to warn")
}

// TestTablesOfTheLibrary: a folder that the library has made keeps what it says.
func TestTablesOfTheLibrary(t *testing.T) {
	s, err := settings.Load(libraryFolder(t, "crdt", "pebble"), false)
	require.NoError(t, err)
	defer s.Close()
	sizes := s.Pebble.PebbleOptions.TargetFileSizes
	require.EqualValues(t, 256<<20, sizes[len(sizes)-1])
	require.EqualValues(t, 1<<30, s.Pebble.PebbleOptions.Cache.MaxSize())
}

func TestCreateComponents(t *testing.T) {
	for _, c := range []struct {
		consensus, datastore string
		datastores           []string
	}{
		{"crdt", "pebble", []string{"pebble"}},
		{"crdt", "badger3", []string{"badger3"}},
		{"crdt", "leveldb", []string{"leveldb"}},
		{"crdt", "badger", []string{"badger"}},
		{"raft", "pebble", nil},
	} {
		t.Run(c.consensus+" "+c.datastore, func(t *testing.T) {
			folder := newFolder(t, settings.Choice{Consensus: c.consensus, Datastore: c.datastore})
			consensus := testfolder.Section(t, folder, "consensus").(map[string]any)
			require.Len(t, consensus, 1)
			require.Contains(t, consensus, c.consensus)
			datastores, _ := testfolder.Section(t, folder, "datastore").(map[string]any)
			require.Len(t, datastores, len(c.datastores))
			for _, d := range c.datastores {
				require.Contains(t, datastores, d)
			}
			loaded, err := settings.Load(folder, false)
			require.NoError(t, err)
			s := NewStore(loaded)
			defer s.Close()
			store, err := s.Open()
			require.NoError(t, err)
			require.NoError(t, store.Close())
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     settings.Choice
		wants string
	}{
		{"an unknown consensus", settings.Choice{Consensus: "paxos", Datastore: "pebble"}, `unknown consensus "paxos"`},
		{"an unknown datastore", settings.Choice{Consensus: "crdt", Datastore: "sql"}, `unknown datastore "sql"`},
		{"an unknown IPFS node", settings.Choice{Consensus: "crdt", Datastore: "pebble", IPFS: "moon"}, `unknown IPFS node "moon"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "peer")
			_, err := Create(folder, CreateOptions{Choice: c.o})
			require.ErrorContains(t, err, c.wants)
			require.NoDirExists(t, folder)
		})
	}
	t.Run("a file in place of the folder", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "peer")
		require.NoError(t, os.WriteFile(folder, nil, 0o600))
		_, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "pebble"}})
		require.ErrorContains(t, err, "choose a folder")
		require.NotErrorIs(t, err, ErrExists)
	})
	t.Run("a bad environment", func(t *testing.T) {
		t.Setenv("CLUSTER_SECRET", "short")
		folder := filepath.Join(t.TempDir(), "peer")
		_, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "pebble"}})
		require.ErrorContains(t, err, "cluster: environment")
		require.NoDirExists(t, folder)
	})
}

func TestCreateAgain(t *testing.T) {
	folder := newFolder(t, settings.Choice{})
	read := func(file string) string {
		text, err := os.ReadFile(filepath.Join(folder, file))
		require.NoError(t, err)
		return string(text)
	}
	before, identity := read(settings.File), read(settings.IdentityFile)

	o := CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "leveldb"}}
	_, err := Create(folder, o)
	require.ErrorIs(t, err, ErrExists)
	require.ErrorContains(t, err, filepath.Join(folder, settings.File))
	require.Equal(t, before, read(settings.File))

	o.Overwrite = true
	made, err := Create(folder, o)
	require.NoError(t, err)
	require.False(t, made.NewIdentity)
	require.Equal(t, identity, read(settings.IdentityFile))
	require.NotEqual(t, before, read(settings.File))
	require.Equal(t, before, read(filepath.Base(made.Backup)), "what was replaced is kept")
}

func TestCreateKeepsABrokenIdentity(t *testing.T) {
	testfolder.Isolate(t)
	folder := t.TempDir()
	path := filepath.Join(folder, settings.IdentityFile)
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	_, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "leveldb"}})
	require.ErrorContains(t, err, folder+": ")
	require.ErrorContains(t, err, settings.IdentityFile+": private_key: ")
	require.False(t, settings.Initialised(folder))
}

func TestCreateEnvironment(t *testing.T) {
	testfolder.Isolate(t)
	secret := strings.Repeat("ab", 32)
	t.Setenv("CLUSTER_SECRET", secret)
	t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/1234")
	t.Setenv("CLUSTER_PINSVCAPI_BASICAUTHCREDENTIALS", "anna:long password")
	folder := filepath.Join(t.TempDir(), "peer")
	_, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "leveldb"}})
	require.NoError(t, err)
	require.Equal(t, secret, testfolder.Section(t, folder, "cluster", "secret"))
	require.Equal(t, "/ip4/127.0.0.1/tcp/1234", testfolder.Section(t, folder, "api", "pinsvcapi", "http_listen_multiaddress"))
	require.Equal(t, map[string]any{"anna": "long password"}, testfolder.Section(t, folder, "api", "pinsvcapi", "basic_auth_credentials"))
}

func TestRandomPorts(t *testing.T) {
	usual := []string{"/9094/", "/9095/", "/9096/", "/9097/", "/9098/", "/0/"}
	for ipfs, own := range map[string][]string{
		settings.IPFSKubo:     {"api", "ipfsproxy", "listen_multiaddress"},
		settings.IPFSEmbedded: {"ipfs_connector", "embedded", "listen_multiaddresses"},
	} {
		folder := filepath.Join(t.TempDir(), "peer")
		_, err := Create(folder, CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "leveldb", IPFS: ipfs, RandomPorts: true}})
		require.NoError(t, err)
		for _, keys := range [][]string{
			{"cluster", "listen_multiaddress"},
			{"api", "pinsvcapi", "http_listen_multiaddress"},
			{"api", "restapi", "http_listen_multiaddress"},
			own,
		} {
			addrs, many := testfolder.Section(t, folder, keys...).([]any)
			if !many {
				addrs = []any{testfolder.Section(t, folder, keys...)}
			}
			require.NotEmpty(t, addrs, keys)
			for _, a := range addrs {
				for _, u := range usual {
					require.NotContains(t, a.(string)+"/", u, keys)
				}
			}
		}
	}
}
