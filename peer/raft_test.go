package peer

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// raftCluster starts three peers, the first of which is the leader.
func raftCluster(t *testing.T) (peers []*Peer, folders []string, ipfs []*memory) {
	t.Helper()
	testfolder.Isolate(t)
	for name, value := range map[string]string{
		"CLUSTER_SECRET":                 strings.Repeat("ef", 32),
		"CLUSTER_RAFT_SNAPSHOTTHRESHOLD": "20",
		"CLUSTER_RAFT_SNAPSHOTINTERVAL":  "300ms",
		"CLUSTER_RAFT_TRAILINGLOGS":      "1",
	} {
		t.Setenv(name, value)
	}
	var first []multiaddr.Multiaddr
	for range 3 {
		dir, node := newFolder(t, settings.Choice{Consensus: "raft"}), newMemory()
		p := startPeer(t, Options{Folder: dir, Connector: node, Bootstrap: first})
		if first == nil {
			first = []multiaddr.Multiaddr{multiaddr.StringCast(url(t, p, "cluster"))}
		}
		peers, folders, ipfs = append(peers, p), append(folders, dir), append(ipfs, node)
	}
	for _, p := range peers {
		require.Eventually(t, func() bool { return len(p.net.host.Network().Peers()) == 2 }, patient, 10*time.Millisecond,
			"each is connected to the others")
	}
	return peers, folders, ipfs
}

func pinAt(t *testing.T, p *Peer, c cid.Cid, name string) {
	t.Helper()
	status, body := request(t, p, http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q,"name":%q}`, c, name))
	require.Equal(t, http.StatusAccepted, status, body)
}

// TestRaftCluster: writes at followers are visible there, go on while the
// leader stops, and a peer that comes back has exactly what the others have.
func TestRaftCluster(t *testing.T) {
	skipRaft(t)
	peers, folders, ipfs := raftCluster(t)
	removed, kept := newCID(t, "removed"), newCID(t, "kept")
	for _, c := range []cid.Cid{removed, kept} {
		pinAt(t, peers[1], c, "x")
		status, body := request(t, peers[1], http.MethodGet, "/pins/"+c.String(), "")
		require.Equal(t, http.StatusOK, status, body)
		require.Eventually(t, func() bool { return ipfs[0].has(api.NewCid(c)) }, patient, 10*time.Millisecond)
	}

	var writers sync.WaitGroup
	var written, left atomic.Int64
	for w := range 2 {
		writers.Go(func() {
			for i := 0; i < 1000 && left.Load() < 60; i++ {
				pinAt(t, peers[1+w], newCID(t, fmt.Sprint("raft ", w, i)), "while the leader stops")
				if written.Add(1); peers[0].Err() != nil || isDone(peers[0]) {
					left.Add(1)
				}
			}
		})
	}
	require.Eventually(t, func() bool { return written.Load() > 20 }, patient, time.Millisecond)
	require.NoError(t, peers[0].Shutdown(t.Context()))
	writers.Wait()
	status, body := request(t, peers[2], http.MethodDelete, "/pins/"+removed.String(), "")
	require.Equal(t, http.StatusAccepted, status, body)

	back := startPeer(t, Options{Folder: folders[0], Connector: ipfs[0]})
	want := fmt.Sprintf(`"count":%d}`, written.Load()+1)
	for _, p := range []*Peer{peers[1], peers[2], back} {
		require.Eventually(t, func() bool {
			_, body = request(t, p, http.MethodGet, "/pins?status=queued,pinning,pinned,failed&limit=1", "")
			return strings.Contains(body, want)
		}, patient, 20*time.Millisecond, "%s, wanted %s", body, want)
	}
	status, body = request(t, back, http.MethodGet, "/pins/"+removed.String(), "")
	require.Equal(t, http.StatusNotFound, status, body)
	require.Eventually(t, func() bool { return !ipfs[0].has(api.NewCid(removed)) }, patient, 10*time.Millisecond,
		"its IPFS node forgets what was removed")
	require.True(t, ipfs[0].has(api.NewCid(kept)))
}

// TestRaftReadyNeedsALeader: a peer that is left without a majority says so, and
// is ready again with one.
func TestRaftReadyNeedsALeader(t *testing.T) {
	skipRaft(t)
	peers, folders, ipfs := raftCluster(t)
	// ready waits for an answer of GET /ready, of both APIs.
	ready := func(p *Peer, want int) (body string) {
		for _, section := range []string{"api.pinsvcapi", "api.restapi"} {
			require.Eventually(t, func() bool {
				var status int
				status, body = requestOf(t, p, section, http.MethodGet, "/ready", "")
				return status == want
			}, patient, 20*time.Millisecond, "%s does not answer %d", section, want)
		}
		return body
	}
	for _, p := range peers {
		ready(p, http.StatusOK)
	}
	require.NoError(t, peers[0].Shutdown(t.Context()))
	ready(peers[1], http.StatusOK)
	ready(peers[2], http.StatusOK)
	require.NoError(t, peers[1].Shutdown(t.Context()))
	require.Contains(t, ready(peers[2], http.StatusServiceUnavailable), "Raft has no leader")

	startPeer(t, Options{Folder: folders[1], Connector: ipfs[1]})
	ready(peers[2], http.StatusOK)
	pinAt(t, peers[2], newCID(t, "with a leader"), "x")
}

func isDone(p *Peer) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}
