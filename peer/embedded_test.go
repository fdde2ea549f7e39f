package peer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

const mb = 1 << 20

// startEmbedded starts a peer with an IPFS node inside.
func startEmbedded(t *testing.T) *Peer {
	t.Helper()
	p := startPeer(t, Options{Folder: newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded})})
	require.True(t, p.Embedded())
	return p
}

// requirePinned waits until the Pinning Service API says so.
func requirePinned(t *testing.T, p *Peer, c cid.Cid) pinStatus {
	t.Helper()
	return requireBecomes(t, p, c, "pinned", "")
}

// requireBecomes waits for a status whose details contain some words.
func requireBecomes(t *testing.T, p *Peer, c cid.Cid, status, details string) (s pinStatus) {
	t.Helper()
	require.Eventually(t, func() bool {
		s = get(t, p, c)
		return s.Status == status && strings.Contains(s.Info["status_details"], details)
	}, 2*patient, 10*time.Millisecond, "%s should become %s: %s, and is %v", c, status, details, &s)
	return s
}

// TestEmbeddedPeers: content of one peer is pinned through the API of another,
// the first stops, and the data is read from the second.
func TestEmbeddedPeers(t *testing.T) {
	raw := fileDAG(t, "raw", 1000, mb, 1)
	cases := map[string]content{
		"one raw block":             raw,
		"one dag-pb block, CIDv0":   fileDAG(t, "v0", 1000, mb, 0),
		"an empty file":             fileDAG(t, "empty", 0, mb, 1),
		"dag-cbor":                  cborOf(t, raw, fileDAG(t, "below", 3*mb, mb, 0)),
		"10,000 blocks":             fileDAG(t, "10,000", 10_000*200, 200, 1),
		"100 MB of CIDv0":           fileDAG(t, "100 MB", 100_000_000, 256<<10, 0),
		"several levels of dag-pb":  fileDAG(t, "levels", 2000*10, 10, 0),
		"dag-cbor of nothing below": cborOf(t),
	}
	one, two := startEmbedded(t), startEmbedded(t)
	for _, c := range cases {
		give(t, one.node, c.blocks...)
	}
	from := addresses(t, one.node)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			post(t, two, c.root, from)
			s := requirePinned(t, two, c.root)
			require.NotEmpty(t, s.Delegates)
		})
	}
	require.NoError(t, one.Shutdown(context.Background()))
	for _, c := range cases {
		requireLocal(t, two.node, c)
	}
	requireReadable(t, cases["dag-cbor"], get(t, two, cases["dag-cbor"].root).Delegates)
}

// TestEmbeddedMissingBlock: a pin shows its progress, fails with the reason when
// a block does not come, and succeeds when it has appeared.
func TestEmbeddedMissingBlock(t *testing.T) {
	testfolder.Isolate(t)
	t.Setenv("CLUSTER_EMBEDDED_PINTIMEOUT", "5s")
	source, c := node(t), cborOf(t, fileDAG(t, "there", 20*1000, 1000, 1), fileDAG(t, "missing", 1000, mb, 1))
	missing := c.blocks[len(c.blocks)-2]
	give(t, source, without(c, missing)...)
	p := startEmbedded(t)

	post(t, p, c.root, addresses(t, source))
	requireBecomes(t, p, c.root, "pinning", fmt.Sprintf("%d blocks, ", len(c.blocks)-1))
	code, list := request(t, p, http.MethodGet, "/pins?status=pinning", "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, list, "so far", "a list has it, too")

	s := requireBecomes(t, p, c.root, "failed", missing.Cid().String())
	require.Contains(t, s.Info["status_details"], "no block arrived for 5s")
	require.Empty(t, listPins(t, p), "there is no half pin")

	give(t, source, missing)
	_, err := p.cluster.RecoverLocal(t.Context(), api.NewCid(c.root))
	require.NoError(t, err)
	requirePinned(t, p, c.root)
	require.NoError(t, source.Shutdown(t.Context()))
	requireLocal(t, p.node, c)
}

func without(c content, missing blocks.Block) (out []blocks.Block) {
	for _, b := range c.blocks {
		if b.Cid() != missing.Cid() {
			out = append(out, b)
		}
	}
	return out
}

// listPins lists what the peer's node has pinned.
func listPins(t *testing.T, p *Peer) <-chan api.IPFSPinInfo {
	t.Helper()
	out := make(chan api.IPFSPinInfo, 100)
	require.NoError(t, p.node.PinLs(t.Context(), []string{"all"}, out))
	return out
}

// TestEmbeddedRestart: a fetch that was interrupted goes on by itself, and does
// not begin anew.
func TestEmbeddedRestart(t *testing.T) {
	testfolder.Isolate(t)
	source, c := node(t), cborOf(t, fileDAG(t, "restart", 200*1000, 1000, 1), fileDAG(t, "last", 1000, mb, 1))
	last := c.blocks[len(c.blocks)-2]
	give(t, source, without(c, last)...)
	dir := newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded})
	p := startPeer(t, Options{Folder: dir})
	post(t, p, c.root, addresses(t, source))
	requireBecomes(t, p, c.root, "pinning", fmt.Sprintf("%d blocks, ", len(c.blocks)-1))
	require.NoError(t, p.Shutdown(t.Context()))

	p = startPeer(t, Options{Folder: dir})
	requireBecomes(t, p, c.root, "pinning", fmt.Sprintf("%d blocks, ", len(c.blocks)-1))
	give(t, source, last)
	requirePinned(t, p, c.root)
	require.NoError(t, source.Shutdown(t.Context()))
	requireLocal(t, p.node, c)
}

// TestEmbeddedStorageLimit: a pin that does not fit fails and says why, harms
// nothing, and goes on when there is room.
func TestEmbeddedStorageLimit(t *testing.T) {
	testfolder.Isolate(t)
	first, second := fileDAG(t, "first", 7*mb, mb/4, 1), fileDAG(t, "second", 7*mb, mb/4, 1)
	source := node(t)
	give(t, source, first.blocks...)
	give(t, source, second.blocks...)
	from := addresses(t, source)
	t.Setenv("CLUSTER_EMBEDDED_STORAGEMAX", "12MiB")
	p := startEmbedded(t)
	post(t, p, first.root, from)
	requirePinned(t, p, first.root)
	post(t, p, second.root, from)
	requireBecomes(t, p, second.root, "failed", "storage limit reached")
	requirePinned(t, p, first.root)
	requireLocal(t, p.node, first)

	code, text := request(t, p, http.MethodDelete, "/pins/"+first.root.String(), "")
	require.Equal(t, http.StatusAccepted, code, text)
	require.Eventually(t, func() bool { return len(listPins(t, p)) == 0 }, patient, 10*time.Millisecond)
	report, err := p.cluster.RepoGCLocal(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(report.Keys), len(first.blocks))
	post(t, p, second.root, from)
	requirePinned(t, p, second.root)
	require.NoError(t, source.Shutdown(t.Context()))
	requireLocal(t, p.node, second)
}

// TestEmbeddedCluster: of three peers two hold a pin; when one of them stops
// the content is still served. All of them tell its progress.
func TestEmbeddedCluster(t *testing.T) {
	testfolder.Isolate(t)
	for name, value := range map[string]string{
		"CLUSTER_SECRET":               strings.Repeat("ab", 32),
		"CLUSTER_REPLICATIONFACTORMIN": "2",
		"CLUSTER_REPLICATIONFACTORMAX": "2",
		"CLUSTER_DISK_METRICTTL":       "6s", // free space is told twice in that time
	} {
		t.Setenv(name, value)
	}
	source, c := node(t), cborOf(t, fileDAG(t, "cluster", 5*mb, 64<<10, 1), fileDAG(t, "last", 1000, mb, 1))
	last := c.blocks[len(c.blocks)-2]
	give(t, source, without(c, last)...)
	var peers []*Peer
	var known []multiaddr.Multiaddr
	for range 3 {
		p := startPeer(t, Options{Folder: newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded}), Bootstrap: known})
		peers, known = append(peers, p), append(known, multiaddr.StringCast(url(t, p, "cluster")))
	}
	body := pinBody(t, c.root, addresses(t, source))
	require.Eventually(t, func() bool { // 503 until they know each other's free space
		code, _ := request(t, peers[0], http.MethodPost, "/pins", body)
		return code == http.StatusAccepted
	}, patient, time.Second)
	var holders, others []*Peer
	for _, p := range peers {
		require.Eventually(t, func() bool { return listed(t, p, c.root) }, patient, 10*time.Millisecond)
		if allocated(t, p, c.root) {
			holders = append(holders, p)
		} else {
			others = append(others, p)
		}
	}
	require.Len(t, holders, 2)
	for _, p := range append(others, holders...) {
		requireBecomes(t, p, c.root, "pinning", " so far")
	}

	give(t, source, last)
	for _, p := range peers {
		requirePinned(t, p, c.root)
	}
	require.NoError(t, source.Shutdown(context.Background()))
	require.NoError(t, holders[0].Shutdown(context.Background()))
	require.Contains(t, []string{"pinned", "pinning", "queued"}, get(t, others[0], c.root).Status)
	// On a busy machine, a holder that answers late is left out for a moment.
	var delegates []string
	require.Eventually(t, func() bool {
		delegates = get(t, others[0], c.root).Delegates
		return slices.ContainsFunc(delegates, func(d string) bool {
			return slices.Contains(addresses(t, holders[1].node), d)
		})
	}, patient, 10*time.Millisecond)
	requireReadable(t, c, delegates)
}

func listed(t *testing.T, p *Peer, c cid.Cid) bool {
	t.Helper()
	code, _ := request(t, p, http.MethodGet, "/pins/"+c.String(), "")
	return code == http.StatusOK
}

func allocated(t *testing.T, p *Peer, c cid.Cid) bool {
	t.Helper()
	pin, err := p.cluster.PinGet(t.Context(), api.NewCid(c))
	require.NoError(t, err)
	for _, id := range pin.Allocations {
		if id == p.net.host.ID() {
			return true
		}
	}
	return false
}
