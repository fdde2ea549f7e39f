package pinsvcapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// testEpoch is when time begins in the fake cluster.
var testEpoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// fakeCluster is a Cluster in memory. A pin is pinned at its peers unless
// said has something else to say.
type fakeCluster struct {
	mu      sync.Mutex
	pins    map[cid.Cid]pinset.Pin
	said    map[cid.Cid][]pinset.PeerStatus
	members []string
	silent  map[string]time.Time
	now     time.Time
	err     error // what every method returns
	writes  int
	log     []string

	onStatus func(pinset.Pin)
}

func newFakeCluster() *fakeCluster {
	return &fakeCluster{
		pins:    make(map[cid.Cid]pinset.Pin),
		said:    make(map[cid.Cid][]pinset.PeerStatus),
		members: []string{"peer1"},
		now:     testEpoch,
	}
}

func (f *fakeCluster) Get(_ context.Context, c cid.Cid) (pinset.Pin, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.pins[c]
	if !ok && f.err == nil {
		return pinset.Pin{}, pinset.ErrNotFound
	}
	return p, f.err
}

func (f *fakeCluster) Put(_ context.Context, p pinset.Pin) (pinset.Pin, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return pinset.Pin{}, f.err
	}
	f.now = f.now.Add(time.Millisecond)
	p.Created = f.now
	if old, ok := f.pins[p.CID]; ok && !old.Expired(time.Now()) {
		p.Created = old.Created
		p.Allocations = old.Allocations
	}
	f.pins[p.CID] = p
	f.writes++
	f.log = append(f.log, "put "+p.CID.String())
	return p, nil
}

func (f *fakeCluster) Delete(_ context.Context, c cid.Cid) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.pins[c]; !ok && f.err == nil {
		return pinset.ErrNotFound
	}
	if f.err == nil {
		delete(f.pins, c)
		f.writes++
		f.log = append(f.log, "delete "+c.String())
	}
	return f.err
}

func (f *fakeCluster) Select(_ context.Context, s pinset.Selection) (pinset.Selected, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []pinset.Candidate
	u := f.unpinned()
	for _, p := range f.pins {
		if s.Matches(p) && s.Wants(p.Status(u.Peers(p))) {
			found = append(found, p.Candidate())
		}
	}
	slices.SortFunc(found, pinset.Compare)
	return pinset.Selected{Count: len(found), First: found[:min(len(found), s.Max)]}, f.err
}

// unpinned returns the lists of the peers: members have answered just now.
func (f *fakeCluster) unpinned() *pinset.UnpinnedSnapshot {
	lists := make(map[string]pinset.LastUnpinned)
	for _, id := range f.members {
		lists[id] = pinset.LastUnpinned{Unpinned: pinset.Unpinned{Asked: testEpoch}}
	}
	for id, at := range f.silent {
		lists[id] = pinset.LastUnpinned{Unpinned: pinset.Unpinned{Asked: at}, Failed: true}
	}
	for c, said := range f.said {
		for _, s := range said {
			l := lists[s.Peer]
			if l.Pins == nil {
				l.Pins = make(map[cid.Cid]pinset.PeerStatus)
			}
			l.Pins[c] = s
			lists[s.Peer] = l
		}
	}
	return pinset.NewUnpinnedSnapshot(f.members, lists)
}

func (f *fakeCluster) Status(_ context.Context, p pinset.Pin) ([]pinset.PeerStatus, error) {
	if f.onStatus != nil {
		f.onStatus(p)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unpinned().Peers(p), f.err
}

func (f *fakeCluster) Delegates(context.Context, pinset.Pin, []pinset.PeerStatus) []string {
	return []string{"/ip4/203.0.113.1/tcp/4001/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"}
}

// seed stores a pin as it is.
func (f *fakeCluster) seed(pins ...pinset.Pin) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range pins {
		f.pins[p.CID] = p
	}
}

// testCID returns a CIDv1 that nobody provides.
func testCID(i int) cid.Cid {
	h, err := multihash.Sum(fmt.Appendf(nil, "test %d", i), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, h)
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	require.TestingT
	Helper()
}

// testAPI is the handler on a fake cluster, open to everybody.
type testAPI struct {
	t       tester
	cluster *fakeCluster
	handler http.Handler
}

func newTestAPI(t tester, opts ...Option) *testAPI {
	t.Helper()
	f := newFakeCluster()
	a, err := New(DefaultConfig(), append([]Option{WithCluster(f)}, opts...)...)
	require.NoError(t, err)
	return &testAPI{t: t, cluster: f, handler: a}
}

// do sends a request and returns the answer's status and body.
func (a *testAPI) do(method, target, body string) (int, string) {
	a.t.Helper()
	rec := a.record(method, target, body)
	return rec.Code, rec.Body.String()
}

// record also holds the request and its answer against openapi.yaml.
func (a *testAPI) record(method, target, body string) *httptest.ResponseRecorder {
	a.t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	rec := httptest.NewRecorder()
	a.handler.ServeHTTP(rec, req)
	checkContract(a.t, method, target, body, rec)
	return rec
}

// list asks for a page.
func (a *testAPI) list(query string) resultsJSON {
	a.t.Helper()
	code, body := a.do(http.MethodGet, "/pins?"+query, "")
	require.Equal(a.t, http.StatusOK, code, body)
	var out resultsJSON
	require.NoError(a.t, json.Unmarshal([]byte(body), &out))
	return out
}

// pin asks for an answer with one pin.
func (a *testAPI) pin(method, target, body string) statusJSON {
	a.t.Helper()
	code, text := a.do(method, target, body)
	require.Contains(a.t, []int{http.StatusOK, http.StatusAccepted}, code, text)
	var out statusJSON
	require.NoError(a.t, json.Unmarshal([]byte(text), &out))
	return out
}

// ids returns the CIDs of a page.
func ids(r resultsJSON) []string {
	out := make([]string, 0, len(r.Results))
	for _, s := range r.Results {
		out = append(out, s.RequestID)
	}
	return out
}
