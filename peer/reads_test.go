package peer

import (
	"context"
	"fmt"
	"sync"
	"testing"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// readCounter is a consensus that counts the reads of single pins of its state.
type readCounter struct {
	ipfscluster.Consensus
	counts *readCounts
}

type readCounts struct {
	mu    sync.Mutex
	reads map[string]int // by CID
}

func (c *readCounts) of(cid string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads[cid]
}

func (c readCounter) State(ctx context.Context) (state.ReadOnly, error) {
	st, err := c.Consensus.State(ctx)
	return countedState{st, c.counts}, err
}

type countedState struct {
	state.ReadOnly
	counts *readCounts
}

func (s countedState) Get(ctx context.Context, c api.Cid) (api.Pin, error) {
	s.counts.mu.Lock()
	s.counts.reads[c.String()]++
	s.counts.mu.Unlock()
	return s.ReadOnly.Get(ctx, c)
}

// TestPostReadsTheStateTwice: a whole peer, on both kinds of consensus. The first read
// decides what the body replaces, the second, under the lock of the CID, the `created`.
func TestPostReadsTheStateTwice(t *testing.T) {
	for _, kind := range []string{"crdt", "raft"} {
		if kind == "raft" && raceDetector {
			continue // the library's store of the log is not made for it
		}
		t.Run(kind, func(t *testing.T) {
			counts := &readCounts{reads: make(map[string]int)}
			p := startPeer(t, Options{
				Folder: newFolder(t, settings.Choice{Consensus: kind, IPFS: settings.IPFSEmbedded}),
				inner:  func(c ipfscluster.Consensus) ipfscluster.Consensus { return readCounter{c, counts} },
			})
			file := fileDAG(t, fmt.Sprint("reads ", kind), 1000, 1000, 1)
			give(t, p.node, file.blocks...)
			for _, what := range []string{"a new pin", "an update"} {
				before := counts.of(file.root.String())
				post(t, p, file.root, nil)
				require.LessOrEqual(t, counts.of(file.root.String())-before, 2, what)
				requirePinned(t, p, file.root)
			}
		})
	}
}
