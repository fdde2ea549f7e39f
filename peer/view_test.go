package peer

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// names walks a peer's list and returns the name of each CID.
func names(t *testing.T, p *Peer, query neturl.Values) map[string]string {
	t.Helper()
	all := make(map[string]string)
	query.Set("limit", "50")
	for {
		status, body := request(t, p, http.MethodGet, "/pins?"+query.Encode(), "")
		require.Equal(t, http.StatusOK, status, body)
		var page struct {
			Count   int
			Results []struct {
				Created string
				Pin     struct{ CID, Name string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(body), &page))
		for _, r := range page.Results {
			require.NotContains(t, all, r.Pin.CID)
			all[r.Pin.CID] = r.Pin.Name
			query.Set("before", r.Created)
		}
		if page.Count == len(page.Results) {
			return all
		}
	}
}

func anyStatus() neturl.Values { return neturl.Values{"status": {"queued,pinning,pinned,failed"}} }

// writeThrough does a random write through one of the APIs, and checks that a
// list of that peer shows it when it is answered.
func writeThrough(t *testing.T, p *Peer, rng *rand.Rand, c cid.Cid, name string, there bool) (gone bool) {
	t.Helper()
	rest := rng.IntN(2) == 0
	gone = there && rng.IntN(3) == 0
	var status int
	var body string
	switch {
	case gone && rest:
		status, body = requestOf(t, p, "api.restapi", http.MethodDelete, "/pins/"+c.String(), "")
	case gone:
		status, body = request(t, p, http.MethodDelete, "/pins/"+c.String(), "")
	case rest:
		status, body = requestOf(t, p, "api.restapi", http.MethodPost, "/pins/"+c.String()+"?name="+name, "")
	default:
		status, body = request(t, p, http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q,"name":%q}`, c, name))
	}
	require.Equal(t, 2, status/100, body)
	query := anyStatus()
	query.Set("name", name)
	shown := names(t, p, query)
	if gone {
		require.NotContains(t, names(t, p, anyStatus()), c.String())
	} else {
		require.Equal(t, map[string]string{c.String(): name}, shown, "rest=%v", rest)
	}
	return gone
}

// Lists of a peer show what was written through any of its APIs at once, and
// those of other peers soon. A restarted peer lists the same.
func TestListsFollowEveryAPI(t *testing.T) {
	for _, consensus := range []string{"crdt", "raft"} {
		t.Run(consensus, func(t *testing.T) {
			if consensus == "raft" {
				skipRaft(t)
			}
			t.Setenv("CLUSTER_SECRET", strings.Repeat("ab", 32))
			dir := newFolder(t, settings.Choice{Consensus: consensus})
			one := startPeer(t, Options{Folder: dir, Connector: newMemory()})
			two := startPeer(t, Options{
				Folder: newFolder(t, settings.Choice{Consensus: consensus}), Connector: newMemory(),
				Bootstrap: []multiaddr.Multiaddr{multiaddr.StringCast(url(t, one, "cluster"))},
			})
			rng := rand.New(rand.NewPCG(1, 2))
			want := make(map[string]string)
			for i := range 60 {
				c := newCID(t, fmt.Sprint(rng.IntN(20)))
				name := fmt.Sprintf("name-%d", i)
				_, there := want[c.String()]
				if want[c.String()] = name; writeThrough(t, one, rng, c, name, there) {
					delete(want, c.String())
				}
			}
			require.Equal(t, want, names(t, one, anyStatus()))
			require.Eventually(t, func() bool { return maps.Equal(want, names(t, two, anyStatus())) }, patient, 20*time.Millisecond)

			require.NoError(t, two.Shutdown(t.Context()))
			if consensus == "raft" {
				return // one of two cannot go on alone
			}
			require.NoError(t, one.Shutdown(t.Context()))
			one = startPeer(t, Options{Folder: dir, Connector: newMemory()})
			require.Equal(t, want, names(t, one, anyStatus()))
			select {
			case <-one.view.Complete():
			case <-time.After(patient):
				require.Fail(t, "the view is not complete")
			}
			require.Equal(t, want, names(t, one, anyStatus()))
		})
	}
}
