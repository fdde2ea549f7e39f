package restapi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
)

// memory is a Statuses of one status for each peer.
type memory struct {
	last map[peer.ID]api.PinInfoShort
	saw  map[peer.ID]api.TrackerStatus
}

func (m *memory) Saw(_ api.Cid, id peer.ID, s api.PinInfoShort) { m.saw[id] = s.Status }

func (m *memory) Last(_ api.GlobalPinInfo, id peer.ID) (api.PinInfoShort, bool) {
	s, ok := m.last[id]
	return s, ok
}

func ping(id peer.ID, ttl time.Duration) api.Metric {
	m := api.Metric{Name: "ping", Peer: id, Valid: true}
	m.SetTTL(ttl)
	return m
}

// newSilentAPI has a pin of both peers, the second of which does not answer.
func newSilentAPI(t *testing.T) (*testAPI, *memory) {
	m := &memory{last: map[peer.ID]api.PinInfoShort{}, saw: map[peer.ID]api.TrackerStatus{}}
	a := newTestAPI(t, WithStatuses(m))
	info := api.GlobalPinInfo{Cid: cidA, Allocations: []peer.ID{peer1, peer2}, PeerMap: map[string]api.PinInfoShort{
		peer1.String(): {PeerName: "one", Status: api.TrackerStatusPinned},
		peer2.String(): {PeerName: "two", Status: api.TrackerStatusClusterError, Error: "failed to dial"},
	}}
	a.cluster.Infos = []api.GlobalPinInfo{info}
	a.cluster.Latest = []api.Metric{ping(peer1, time.Hour), ping(peer2, time.Hour)}
	return a, m
}

// second is the status of the second peer in an answer, by the words of the API.
func second(t *testing.T, body string) (status, text string) {
	t.Helper()
	var answer struct {
		PeerMap map[string]struct{ Status, Error string } `json:"peer_map"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	s := answer.PeerMap[peer2.String()]
	return s.Status, s.Error
}

// TestSilentPeers: a peer that does not answer has its last status while its ping is
// valid, in each answer of statuses.
func TestSilentPeers(t *testing.T) {
	a := "/pins/" + cidA.String()
	for name, c := range map[string]struct {
		change         func(*testAPI, *memory)
		target, method string
		status, text   string // "": the peer is not in the answer
	}{
		"pinned": {func(_ *testAPI, m *memory) { m.last[peer2] = api.PinInfoShort{Status: api.TrackerStatusPinned} }, a, "GET",
			"pinned", "the peer does not answer, this is its last status: failed to dial"},
		"failed": {func(_ *testAPI, m *memory) { m.last[peer2] = api.PinInfoShort{Status: api.TrackerStatusPinError} }, a, "GET",
			"pin_error", "the peer does not answer, this is its last status: failed to dial"},
		"never heard": {nil, a, "GET", "pin_queued", "the peer does not answer, its status is not known: failed to dial"},
		"its ping has expired": {func(a *testAPI, _ *memory) { a.cluster.Latest[1] = ping(peer2, -time.Second) }, a, "GET",
			"cluster_error", "failed to dial"},
		"its ping is not valid": {func(a *testAPI, _ *memory) { a.cluster.Latest[1].Valid = false }, a, "GET",
			"cluster_error", "failed to dial"},
		"it has no ping": {func(a *testAPI, _ *memory) { a.cluster.Latest = a.cluster.Latest[:1] }, a, "GET",
			"cluster_error", "failed to dial"},
		"it answers now": {func(a *testAPI, _ *memory) {
			a.cluster.Answers = map[peer.ID]api.PinInfoShort{peer2: {Status: api.TrackerStatusPinning, Error: "1 block"}}
		}, a, "GET", "pinning", "1 block"},
		"its IPFS node is away": {func(a *testAPI, m *memory) {
			m.last[peer2] = api.PinInfoShort{Status: api.TrackerStatusPinned}
			a.cluster.Answers = map[peer.ID]api.PinInfoShort{peer2: {Status: api.TrackerStatusClusterError, Error: "no IPFS"}}
		}, a, "GET", "cluster_error", "no IPFS"},
		"only this peer is asked":    {nil, a + "?local=true", "GET", "cluster_error", "failed to dial"},
		"a recover did not reach it": {nil, a + "/recover", "POST", "cluster_error", "failed to dial"},
		"some CIDs":                  {nil, "/pins?cids=" + cidA.String(), "GET", "pin_queued", "the peer does not answer, its status is not known: failed to dial"},
		"some CIDs, filtered":        {nil, "/pins?filter=pinned&cids=" + cidA.String(), "GET", "", ""},
		"all":                        {nil, "/pins", "GET", "pin_queued", "the peer does not answer, its status is not known: failed to dial"},
		"all, locally":               {nil, "/pins?local=true", "GET", "cluster_error", "failed to dial"},
		"all that are queued":        {nil, "/pins?filter=queued", "GET", "pin_queued", "the peer does not answer, its status is not known: failed to dial"},
		"all that are pinned":        {nil, "/pins?filter=pinned", "GET", "", ""},
		"a pin of others": {func(a *testAPI, _ *memory) {
			a.cluster.Infos[0].Allocations = []peer.ID{peer1}
		}, "/pins", "GET", "remote", ""},
	} {
		t.Run(name, func(t *testing.T) {
			api, m := newSilentAPI(t)
			if c.change != nil {
				c.change(api, m)
			}
			w, _ := api.do(c.method, c.target, "")
			require.Equal(t, 200, w.Code, w.Body)
			status, text := second(t, w.Body.String())
			require.Equal(t, c.status, status)
			require.Equal(t, c.text, text)
		})
	}
}

// TestSilentPeersAreAskedOnce: of a list, not for each pin. What answers is
// remembered, an error is not.
func TestSilentPeersAreAskedOnce(t *testing.T) {
	a, m := newSilentAPI(t)
	for range 4 {
		a.cluster.Infos = append(a.cluster.Infos, a.cluster.Infos[0])
	}
	w, asked := a.do("GET", "/pins", "")
	require.Equal(t, 5, strings.Count(w.Body.String(), "pin_queued"))
	require.Equal(t, []string{"StatusAll 0 local=false", "Metrics ping", "StatusAt " + cidA.String() + " " + peer2.String()}, asked)
	require.Empty(t, m.saw)
	a.do("GET", "/pins/"+cidA.String(), "")
	require.Equal(t, map[peer.ID]api.TrackerStatus{peer1: api.TrackerStatusPinned}, m.saw)

	a.cluster.Infos[0].PeerMap = map[string]api.PinInfoShort{peer1.String(): {Status: api.TrackerStatusPinned}}
	_, asked = a.do("GET", "/pins/"+cidA.String(), "")
	require.Len(t, asked, 1, "nothing is asked while all peers answer")
}
