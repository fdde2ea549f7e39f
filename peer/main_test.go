package peer

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestMain(m *testing.M) {
	Prepare()
	os.Exit(m.Run())
}

// lasting returns the goroutines that may outlive a peer, with the reason of each.
func lasting() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreCurrent(),
		// Settings.Close does not wait for the library's manager, which looks once a second
		// whether it should end, and has nothing to save.
		goleak.IgnoreAnyFunction("github.com/ipfs-cluster/ipfs-cluster/config.(*Manager).watchSave"),
		goleak.IgnoreAnyFunction("github.com/ipfs-cluster/ipfs-cluster/config.(*Manager).Shutdown"),
		// The search of a libp2p host for routers has no context, and ends after 5 s.
		goleak.IgnoreAnyFunction("github.com/koron/go-ssdp.Search"),
		goleak.IgnoreAnyFunction("github.com/libp2p/go-libp2p/p2p/net/nat/internal/nat.discoverNATs"),
		// One goroutine of the process updates the bandwidth meters of all hosts.
		goleak.IgnoreAnyFunction("github.com/libp2p/go-flow-metrics.(*sweeper).runActive"),
		// LevelDB's, which ends a second after the database was closed.
		goleak.IgnoreAnyFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"),
		// The HTTP client of the tests keeps connections.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	}
}

// TestShutdownJoinsGoroutines: a peer that was shut down leaves no goroutine behind,
// whether it was ready, was shut down at once, or failed to start half way.
func TestShutdownJoinsGoroutines(t *testing.T) {
	for _, c := range []settings.Choice{
		{Consensus: "crdt"}, {Consensus: "crdt", IPFS: settings.IPFSEmbedded},
		{Consensus: "raft"}, {Consensus: "raft", IPFS: settings.IPFSEmbedded},
	} {
		t.Run(c.Consensus+" "+c.IPFS, func(t *testing.T) {
			if c.Consensus == "raft" {
				skipRaft(t)
			}
			dir := newFolder(t, c)
			o := Options{Folder: dir}
			if c.IPFS == "" {
				o.Connector = newMemory()
			}
			for _, ready := range []bool{true, false} {
				before := lasting()
				p, err := Start(t.Context(), o)
				require.NoError(t, err)
				if ready {
					waitReady(t, p)
				}
				require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context())))
				goleak.VerifyNone(t, before...)
			}
			testfolder.Edit(t, dir, nil, "informer") // the last component that is made
			before := lasting()
			_, err := Start(t.Context(), o)
			require.ErrorContains(t, err, "informer")
			goleak.VerifyNone(t, before...)
		})
	}
}
