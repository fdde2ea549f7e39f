package embedded

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/embedded/network"
)

func TestLifecycle(t *testing.T) {
	dir := t.TempDir()
	cfg, opts := testConfig(), Options{BaseDir: dir}
	n, err := New(cfg, opts)
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, "New did I/O")
	requireNotRunning(t, n)
	select {
	case <-n.Ready(t.Context()):
		t.Fatal("ready before the start")
	default:
	}

	require.NoError(t, n.Start(t.Context()))
	<-n.Ready(t.Context())
	require.Error(t, n.Start(t.Context()), "twice")
	id, err := n.ID(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, id.Addresses)
	for _, a := range id.Addresses {
		require.Contains(t, a.String(), "/ip4/127.0.0.1/tcp/")
		require.Contains(t, a.String(), "/p2p/"+id.ID.String())
	}

	other, err := New(cfg, opts)
	require.NoError(t, err)
	require.ErrorContains(t, other.Start(t.Context()), "folder of the IPFS node", "one process at a time")
	require.NoError(t, other.Shutdown(t.Context()))

	require.NoError(t, n.Shutdown(t.Context()))
	require.NoError(t, n.Shutdown(t.Context()), "twice")
	requireNotRunning(t, n)
	require.Error(t, n.Start(t.Context()), "after its end")

	again := startNode(t, inDir(dir))
	sameID, err := again.ID(t.Context())
	require.NoError(t, err)
	require.Equal(t, id.ID, sameID.ID)
	info, err := os.Stat(filepath.Join(dir, "ipfs", "identity"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func requireNotRunning(t *testing.T, n *Node) {
	t.Helper()
	c := api.NewCid(rawBlock("any", 1).Cid())
	_, err := n.ID(t.Context())
	require.ErrorIs(t, err, ErrNotRunning)
	require.ErrorIs(t, n.Pin(t.Context(), pinOf(c.Cid, nil)), ErrNotRunning)
	require.ErrorIs(t, n.Unpin(t.Context(), c), ErrNotRunning)
	_, err = n.PinLsCid(t.Context(), pinOf(c.Cid, nil))
	require.ErrorIs(t, err, ErrNotRunning)
	require.ErrorIs(t, n.PinLs(t.Context(), nil, make(chan api.IPFSPinInfo)), ErrNotRunning)
	require.ErrorIs(t, n.ConnectSwarms(t.Context()), ErrNotRunning)
	_, err = n.SwarmPeers(t.Context())
	require.ErrorIs(t, err, ErrNotRunning)
	_, err = n.RepoStat(t.Context())
	require.ErrorIs(t, err, ErrNotRunning)
	_, err = n.RepoGC(t.Context())
	require.ErrorIs(t, err, ErrNotRunning)
	_, err = n.Resolve(t.Context(), c.String())
	require.ErrorIs(t, err, ErrNotRunning)
	_, err = n.BlockGet(t.Context(), c)
	require.ErrorIs(t, err, ErrNotRunning)
	require.ErrorIs(t, n.BlockStream(t.Context(), nil), ErrNotRunning)
	_, _, ok := n.Progress(c.Cid)
	require.False(t, ok)
	for range n.Fetches() {
		t.Fatal("a fetch")
	}
	_, err = n.ConfigKey("folder")
	require.NoError(t, err, "the configuration is always there")
}

func TestStartFails(t *testing.T) {
	running := startNode(t)
	taken := origins(t, running)[0].Multiaddr
	taken, _ = ma.SplitLast(taken)
	cases := map[string]func(*Config, *Options){
		"address in use": func(c *Config, _ *Options) { c.ListenMultiaddresses = network.Addresses{taken} },
		"no folder": func(_ *Config, o *Options) {
			o.BaseDir = filepath.Join(o.BaseDir, "file")
			require.NoError(t, os.WriteFile(o.BaseDir, nil, 0o600))
		},
		"bad identity": func(_ *Config, o *Options) {
			require.NoError(t, os.MkdirAll(filepath.Join(o.BaseDir, "ipfs"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(o.BaseDir, "ipfs", "identity"), []byte("c2VjcmV0"), 0o600))
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			cfg, opts := testConfig(), Options{BaseDir: t.TempDir()}
			change(&cfg, &opts)
			n, err := New(cfg, opts)
			require.NoError(t, err)
			err = n.Start(t.Context())
			require.Error(t, err)
			require.NotContains(t, err.Error(), "c2VjcmV0")
			require.NoError(t, n.Shutdown(t.Context()))
			requireNotRunning(t, n)
		})
	}
}

// A machine without network: nobody of those it should know answers.
func TestNoNetwork(t *testing.T) {
	source := startNode(t)
	d := wide("no network", 20, 100, 5)
	load(t, source, d...)
	start := time.Now()
	n := startNode(t, func(c *Config, _ *Options) {
		c.JoinDHT = true
		c.NATPortMap = true
		c.ConnectSwarmsDelay = config.Duration(time.Millisecond)
		c.Provide = providePinned
		c.BootstrapMultiaddresses = network.Addresses{
			ma.StringCast("/ip4/127.0.0.1/tcp/1/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"),
			ma.StringCast("/ip4/192.0.2.1/tcp/4001/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa"),
		}
	})
	require.Less(t, time.Since(start), waitMax, "start")
	require.NoError(t, n.Pin(t.Context(), pinOf(d.root(), origins(t, source))))
	requireHas(t, n, d...)
	lost := make(chan error, 1)
	go func() { lost <- n.Pin(context.Background(), pinOf(rawBlock("nowhere", 10).Cid(), nil)) }()
	require.Eventually(t, func() bool {
		_, _, ok := n.Progress(rawBlock("nowhere", 10).Cid())
		return ok
	}, waitMax, time.Millisecond)

	start = time.Now()
	require.NoError(t, n.Shutdown(t.Context()))
	require.Less(t, time.Since(start), waitMax, "stop")
	require.ErrorIs(t, <-lost, ErrNotRunning)
}

func TestShutdownWhileStarting(t *testing.T) {
	n, err := New(testConfig(), Options{BaseDir: t.TempDir()})
	require.NoError(t, err)
	started := make(chan error)
	go func() { started <- n.Start(context.Background()) }()
	require.NoError(t, n.Shutdown(t.Context()))
	<-started // with or without an error
	require.NoError(t, n.Shutdown(t.Context()))
	requireNotRunning(t, n)
}
