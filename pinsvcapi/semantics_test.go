package pinsvcapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multicodec"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Rows of the design's table that can be seen at the handler and are not the
// subject of another file: list_test.go has lists, api_test.go single pins and
// bad requests, aggregate_test.go a pin's status.

// aPeer is a valid end of an address.
const aPeer = "/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"

// Every pair of values of two filters, against the reference.
func TestEveryTwoFilters(t *testing.T) {
	a := newTestAPI(t)
	pins := variedPins(a.cluster)
	ms := func(n int64) *int64 { v := testEpoch.UnixMilli() + n; return &v }
	filters := map[string][]func(*refQuery){
		"cid": {
			func(q *refQuery) { q.ids = []string{pins[0].id} },
			func(q *refQuery) { q.ids = []string{pins[1].id, pins[11].id, pins[16].id, pins[31].id, pins[45].id} },
			func(q *refQuery) { q.ids = []string{testCID(5000).String()} },
		},
		"name": {
			func(q *refQuery) { q.name = "Name" },
			func(q *refQuery) { q.name, q.match = "NAME", "iexact" },
			func(q *refQuery) { q.name, q.match = "am", "partial" },
			func(q *refQuery) { q.name, q.match = "AM", "ipartial" },
			func(q *refQuery) { q.name, q.match = "AM", "exact" },
		},
		"meta": {
			func(q *refQuery) { q.meta = map[string]string{"a": "1"} },
			func(q *refQuery) { q.meta = map[string]string{"a": "1", "b": "2"} },
			func(q *refQuery) { q.meta = map[string]string{"c": ""} },
		},
		"status": {
			func(q *refQuery) { q.statuses = []string{"pinned"} },
			func(q *refQuery) { q.statuses = []string{"queued", "pinning"} },
			func(q *refQuery) { q.statuses = []string{"failed"} },
			func(q *refQuery) { q.statuses = []string{"queued", "pinning", "pinned", "failed"} },
		},
		"before": {func(q *refQuery) { q.before = ms(20) }, func(q *refQuery) { q.before = ms(0) }},
		"after":  {func(q *refQuery) { q.after = ms(10) }, func(q *refQuery) { q.after = ms(99) }},
		"limit":  {func(q *refQuery) { q.limit = 1 }, func(q *refQuery) { q.limit = 7 }, func(q *refQuery) { q.limit = 1000 }},
	}
	matched := make(map[string]bool)
	for one, firsts := range filters {
		for other, seconds := range filters {
			if one >= other {
				continue
			}
			for _, first := range firsts {
				for _, second := range seconds {
					var q refQuery
					first(&q)
					second(&q)
					checkPage(t, a, pins, q, q.plain(t))
					all, _ := q.list(pins)
					matched[one+other] = matched[one+other] || len(all) > 0 && len(all) < len(pins)
				}
			}
			require.True(t, matched[one+other], "%s and %s never select some of the pins", one, other)
		}
	}
}

// Row "count", for given CIDs: those that a page has no room for count as well,
// but only when they have the status; and no page tears equal `created`.
func TestPagesOfGivenCIDs(t *testing.T) {
	a := newTestAPI(t)
	var all []string
	for i, ms := range []int{9, 8, 8, 7, 7, 7} { // the newest first
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Created: testEpoch.Add(time.Duration(ms) * time.Millisecond)})
		all = append(all, testCID(i).String())
	}
	a.cluster.Unpinned[testCID(0)] = stateOf(pinset.StateQueued)
	query := "cid=" + strings.Join(all, ",")
	for _, tt := range []struct {
		query      string
		count, len int
	}{
		{"&limit=1", 6, 1}, {"&limit=2", 6, 1}, {"&limit=3", 6, 3}, {"&limit=5", 6, 3}, {"&limit=6", 6, 6},
		{"&limit=1&status=pinned", 5, 2}, {"&limit=1&status=queued", 1, 1}, {"&limit=1&status=failed", 0, 0},
		{"&limit=1&status=pinned&before=" + pinset.EncodeCreated(testEpoch.Add(8*time.Millisecond)), 3, 3},
	} {
		got := a.list(query + tt.query)
		require.Equal(t, tt.count, got.Count, tt.query)
		require.Len(t, got.Results, tt.len, tt.query)
	}
}

// The largest page does not tear a group either.
func TestLargestPageTearsNoGroup(t *testing.T) {
	a := newTestAPI(t)
	for i := range maxLimit + 1 {
		at := testEpoch.Add(-time.Duration(min(i, maxLimit-2)) * time.Millisecond) // the last three are equal
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Created: at})
	}
	got := a.list("limit=1000")
	require.Equal(t, maxLimit+1, got.Count)
	require.Len(t, got.Results, maxLimit-2)
	require.Len(t, walkAll(t, a, "limit=1000"), maxLimit+1)
}

// When all pins that a page could have fall out of the filter at the last
// moment, none is counted, even if there are more: clients fail on a count
// without results.
func TestCountWithoutResults(t *testing.T) {
	a := newTestAPI(t)
	for i := range maxLimit + 100 {
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Created: testEpoch.Add(-time.Duration(i) * time.Millisecond)})
	}
	a.cluster.OnStatus = func(p pinset.Pin) {
		a.cluster.Mu.Lock()
		defer a.cluster.Mu.Unlock()
		a.cluster.Unpinned[p.CID] = stateOf(pinset.StateQueued)
	}
	require.Equal(t, resultsJSON{Results: []statusJSON{}}, a.list("status=pinned"))
}

// variedPins fills the cluster with pins that differ in everything.
func variedPins(f *fakeCluster) (pins []refPin) {
	names := []string{"Name", "name", "a name", "", "other"}
	metas := []map[string]string{nil, {"a": "1"}, {"a": "1", "b": "2"}, {"a": "2", "c": ""}}
	words := []string{"pinned", "queued", "pinning", "failed", "pinned", "pinned", "pinned"}
	for i := range 48 {
		p := pinset.Pin{
			CID: testCID(i), Name: names[i%len(names)], Meta: metas[i%len(metas)],
			Created: testEpoch.Add(time.Duration(i/2) * time.Millisecond), // in pairs
		}
		word := words[i%len(words)]
		f.Seed(p)
		if word != "pinned" {
			f.Unpinned[p.CID] = stateOf(stateByWord[word])
		}
		pins = append(pins, refPin{
			id: p.CID.String(), name: p.Name, meta: p.Meta, created: p.Created.UnixMilli(), words: []string{word}, need: 1,
		})
	}
	return pins
}

// plain writes a query in the simplest way.
func (q refQuery) plain(t *testing.T) string {
	v := make(url.Values)
	for name, value := range map[string]string{
		"cid": strings.Join(q.ids, ","), "name": q.name, "match": q.match, "status": strings.Join(q.statuses, ","),
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for name, ms := range map[string]*int64{"before": q.before, "after": q.after} {
		if ms != nil {
			v.Set(name, time.UnixMilli(*ms).UTC().Format(time.RFC3339Nano))
		}
	}
	if len(q.meta) > 0 {
		raw, err := json.Marshal(q.meta)
		require.NoError(t, err)
		v.Set("meta", string(raw))
	}
	if q.limit > 0 {
		v.Set("limit", fmt.Sprint(q.limit))
	}
	return v.Encode()
}

// Row "created": it stays through everything that is not a new pin.
func TestCreatedIsStable(t *testing.T) {
	a := newTestAPI(t)
	id := testCID(1).String()
	first := a.pin(http.MethodPost, "/pins", `{"cid":"`+id+`","name":"one"}`)
	for name, request := range map[string][3]string{
		"POST again":         {http.MethodPost, "/pins", `{"cid":"` + id + `"}`},
		"POST with new meta": {http.MethodPost, "/pins", `{"cid":"` + id + `","meta":{"a":"b"}}`},
		"replace by itself":  {http.MethodPost, "/pins/" + id, `{"cid":"` + id + `","name":"two"}`},
		"GET":                {http.MethodGet, "/pins/" + id, ""},
	} {
		got := a.pin(request[0], request[1], request[2])
		require.Equal(t, first.Created, got.Created, name)
		require.Equal(t, first.RequestID, got.RequestID, name)
		require.Equal(t, first.Created, a.list("cid=" + id).Results[0].Created, name)
	}
	a.do(http.MethodDelete, "/pins/"+id, "")
	again := a.pin(http.MethodPost, "/pins", `{"cid":"`+id+`"}`)
	require.Greater(t, again.Created, first.Created, "a pin that was removed is a new one")
}

// Row "POST answer": the status as it is, not a hope.
func TestAnswersOfWritesHaveTheStatus(t *testing.T) {
	id := testCID(1).String()
	for word, state := range stateByWord {
		a := newTestAPI(t)
		if state != pinset.StatePinned {
			a.cluster.Unpinned[testCID(1)] = stateOf(state)
		}
		for _, target := range []string{"/pins", "/pins/" + id} {
			code, body := a.do(http.MethodPost, target, `{"cid":"`+id+`"}`)
			require.Equal(t, http.StatusAccepted, code)
			require.Contains(t, body, `"status":"`+word+`"`)
		}
	}
}

// Row "replace": whatever it is replaced with, nothing of the old pin shows.
func TestReplacedPinShowsNothingOfTheOldOne(t *testing.T) {
	id, other := testCID(1).String(), testCID(2).String()
	full := `"name":"old","meta":{"k":"old"},"origins":["/ip4/203.0.113.1/tcp/1` + aPeer + `"]`
	for name, tt := range map[string]struct {
		body string
		want pinJSON
	}{
		"by itself, with nothing": {`{"cid":"` + id + `"}`, pinJSON{CID: id}},
		"by itself, with a name":  {`{"cid":"` + id + `","name":"new"}`, pinJSON{CID: id, Name: "new"}},
		"by itself, with meta":    {`{"cid":"` + id + `","meta":{"n":"1"}}`, pinJSON{CID: id, Meta: map[string]string{"n": "1"}}},
		"by another, with nothing": {`{"cid":"` + other + `"}`,
			pinJSON{CID: other}},
		"by another, with null": {`{"cid":"` + other + `","name":null,"meta":null,"origins":null}`,
			pinJSON{CID: other}},
		"by another, with origins": {`{"cid":"` + other + `","origins":["/ip4/203.0.113.2/tcp/2` + aPeer + `"]}`,
			pinJSON{CID: other, Origins: []string{"/ip4/203.0.113.2/tcp/2" + aPeer}}},
		"by another, with empty ones": {`{"cid":"` + other + `","name":"","meta":{},"origins":[]}`,
			pinJSON{CID: other}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			a.pin(http.MethodPost, "/pins", `{"cid":"`+id+`",`+full+`}`)
			got := a.pin(http.MethodPost, "/pins/"+id, tt.body)
			require.Equal(t, tt.want, got.Pin)
			require.Equal(t, tt.want, a.pin(http.MethodGet, "/pins/"+got.RequestID, "").Pin)
			list := a.list("status=queued,pinning,pinned,failed")
			require.Equal(t, 1, list.Count)
			require.Equal(t, tt.want, list.Results[0].Pin)
			for _, query := range []string{"name=old", "meta=" + url.QueryEscape(`{"k":"old"}`)} {
				require.Zero(t, a.list(query).Count, query)
			}
		})
	}
}

// Row "replace": when the new pin cannot be stored, the old one stays; when the
// old one has gone meanwhile, the answer is the new one.
func TestReplaceThatFails(t *testing.T) {
	id, other := testCID(1), testCID(2)
	for name, tt := range map[string]struct {
		put, remove error
		status      int
		left        []cid.Cid
	}{
		"the new one is refused":        {pinset.ErrTooLarge, nil, http.StatusRequestEntityTooLarge, []cid.Cid{id}},
		"the new one is not taken now":  {pinset.Unavailable("no", nil), nil, http.StatusServiceUnavailable, []cid.Cid{id}},
		"the old one cannot be removed": {nil, pinset.Unavailable("no", nil), http.StatusServiceUnavailable, []cid.Cid{id, other}},
		"the old one has gone":          {nil, pinset.ErrNotFound, http.StatusAccepted, []cid.Cid{id, other}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeCluster()
			f.Seed(pinset.Pin{CID: id})
			a := newTestAPI(t, WithCluster(&failingCluster{
				fakeCluster: f, put: tt.put, remove: tt.remove, addresses: []string{"/ip4/1.2.3.4/tcp/4001" + aPeer},
			}))
			code, body := a.do(http.MethodPost, "/pins/"+id.String(), `{"cid":"`+other.String()+`"}`)
			require.Equal(t, tt.status, code, body)
			require.Len(t, f.Pins, len(tt.left))
			for _, c := range tt.left {
				require.Contains(t, f.Pins, c)
			}
		})
	}
}

// failingCluster fails in single methods.
type failingCluster struct {
	*fakeCluster
	put, remove, status error
	addresses           []string
}

func (f *failingCluster) Put(ctx context.Context, p pinset.Pin) (pinset.Pin, error) {
	if f.put != nil {
		return pinset.Pin{}, f.put
	}
	return f.fakeCluster.Put(ctx, p)
}

func (f *failingCluster) Delete(ctx context.Context, c cid.Cid) error {
	if f.remove != nil {
		return f.remove
	}
	return f.fakeCluster.Delete(ctx, c)
}

func (f *failingCluster) Status(ctx context.Context, p pinset.Pin) ([]pinset.PeerStatus, error) {
	if f.status != nil {
		return nil, f.status
	}
	return f.fakeCluster.Status(ctx, p)
}

func (f *failingCluster) Delegates(context.Context, pinset.Pin, []pinset.PeerStatus) []string {
	return f.addresses
}

// Row "delegates".
func TestDelegates(t *testing.T) {
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("/ip4/1.2.3.%d/tcp/4001%s", i, aPeer))
	}
	public, private, loopback := many[0], "/ip4/192.168.1.2/tcp/4001"+aPeer, "/ip6/::1/tcp/4001"+aPeer
	for name, tt := range map[string]struct{ have, want []string }{
		"public before all others":    {[]string{loopback, private, public}, []string{public}},
		"private before loopback":     {[]string{loopback, private}, []string{private, loopback}},
		"loopback alone":              {[]string{loopback}, []string{loopback}},
		"at most 20":                  {many, many[:20]},
		"no duplicates":               {[]string{public, public, many[1], public}, many[:2]},
		"without a peer ID: left out": {[]string{"/ip4/1.2.3.9/tcp/4001", public}, []string{public}},
		"peer ID in the middle":       {[]string{"/ip4/1.2.3.9/tcp/4001" + aPeer + "/p2p-circuit", public}, []string{public}},
		"no address at all: left out": {[]string{"nonsense", "", public}, []string{public}},
		"relayed":                     {[]string{public + "/p2p-circuit" + aPeer}, []string{public + "/p2p-circuit" + aPeer}},
		"a name counts as public":     {[]string{private, "/dns4/example.com/tcp/4001" + aPeer}, []string{"/dns4/example.com/tcp/4001" + aPeer}},
		"localhost does not":          {[]string{private, "/dns4/localhost/tcp/4001" + aPeer}, []string{private, "/dns4/localhost/tcp/4001" + aPeer}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t, WithCluster(&failingCluster{fakeCluster: newFakeCluster(), addresses: tt.have}))
			got := a.pin(http.MethodPost, "/pins", `{"cid":"`+testCID(1).String()+`"}`)
			require.Equal(t, tt.want, got.Delegates)
		})
	}
}

func TestConfiguredDelegates(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Delegates = config.Multiaddrs{multiaddr.StringCast("/dns4/pins.example.com/tcp/4001" + aPeer)}
	handler, err := New(cfg, WithCluster(newFakeCluster()))
	require.NoError(t, err)
	a := &testAPI{t: t, handler: handler}
	got := a.pin(http.MethodPost, "/pins", `{"cid":"`+testCID(1).String()+`"}`)
	require.Equal(t, []string{"/dns4/pins.example.com/tcp/4001" + aPeer}, got.Delegates)
}

// Row "CORS": any page can pin by default, and reads why it could not.
func TestPagesOfAnyOriginCanPin(t *testing.T) {
	cfg := DefaultConfig()
	cfg.BasicAuthCredentials = map[string]string{"alice": "secret"}
	handler, err := New(cfg, WithCluster(newFakeCluster()))
	require.NoError(t, err)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		req := httptest.NewRequest(http.MethodOptions, "/pins", nil)
		req.Header.Set("Origin", "https://app.example.com")
		req.Header.Set("Access-Control-Request-Method", method)
		req.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		require.Less(t, rec.Code, 300, "a preflight needs no credentials")
		require.Equal(t, "*", rec.Header().Get("Access-Control-Allow-Origin"))
		require.Contains(t, rec.Header().Get("Access-Control-Allow-Methods"), method)
		require.Empty(t, rec.Header().Get("Access-Control-Allow-Credentials"))
	}
	for target, status := range map[string]int{"/pins": http.StatusUnauthorized, "/health": http.StatusNoContent} {
		req := httptest.NewRequest(http.MethodGet, target, nil)
		req.Header.Set("Origin", "https://app.example.com")
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		checkContract(t, http.MethodGet, target, "", rec)
		require.Equal(t, status, rec.Code)
		require.Equal(t, "*", rec.Header().Get("Access-Control-Allow-Origin"))
	}
}

// Where not every page may write, one that may not is refused, also without a
// preflight, and nothing is written.
func TestPagesOfOtherOriginsCannotPin(t *testing.T) {
	cfg := DefaultConfig()
	cfg.CORSAllowedOrigins = []string{"https://app.example.com"}
	f := newFakeCluster()
	f.Seed(pinset.Pin{CID: testCID(1)})
	handler, err := New(cfg, WithCluster(f))
	require.NoError(t, err)
	id := testCID(1).String()
	for origin, refused := range map[string]bool{"https://app.example.com": false, "https://other.example.com": true} {
		for _, rq := range [][3]string{
			{http.MethodPost, "/pins", `{"cid":"` + id + `"}`}, {http.MethodPost, "/pins/" + id, `{"cid":"` + id + `"}`},
			{http.MethodDelete, "/pins/" + testCID(2).String(), ""},
		} {
			before := f.Writes
			req := httptest.NewRequest(rq[0], rq[1], strings.NewReader(rq[2]))
			req.Header.Set("Origin", origin)
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, req)
			checkContract(t, rq[0], rq[1], rq[2], rec)
			require.Equal(t, refused, rec.Code == http.StatusForbidden, "%s %v", origin, rq)
			require.False(t, refused && f.Writes > before)
		}
	}
}

// Credentials and tokens are the shared layer's; that they guard this API, and
// that its answers to them are as documented, is shown here.
func TestTokensOpenTheAPI(t *testing.T) {
	cfg := DefaultConfig()
	cfg.BasicAuthCredentials = map[string]string{"alice": "secret"}
	handler, err := New(cfg, WithCluster(newFakeCluster()))
	require.NoError(t, err)
	do := func(method, target, body, authorization string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, target, strings.NewReader(body))
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		checkContract(t, method, target, body, rec)
		return rec
	}
	const basic = "Basic YWxpY2U6c2VjcmV0"
	rec := do(http.MethodPost, "/token", "", basic)
	require.Equal(t, http.StatusOK, rec.Code)
	var answer struct{ Token string }
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &answer))
	bearer := "Bearer " + answer.Token
	id := testCID(1).String()
	for _, rq := range [][3]string{
		{http.MethodPost, "/pins", `{"cid":"` + id + `"}`}, {http.MethodGet, "/pins", ""},
		{http.MethodPost, "/pins/" + id, `{"cid":"` + id + `"}`}, {http.MethodGet, "/pins/" + id, ""},
		{http.MethodDelete, "/pins/" + id, ""},
	} {
		for _, wrong := range []string{"", "Bearer x.y.z", "Basic eDp5", bearer + "x"} {
			require.Equal(t, http.StatusUnauthorized, do(rq[0], rq[1], rq[2], wrong).Code, "%v %q", rq, wrong)
		}
		require.Less(t, do(rq[0], rq[1], rq[2], bearer).Code, 300, rq)
	}
	for range 100 { // of which only some are looked at
		if do(http.MethodGet, "/pins", "", "Bearer x.y.z").Code == http.StatusTooManyRequests {
			break
		}
	}
	require.Equal(t, http.StatusOK, do(http.MethodPost, "/token", `{"expires_in":"1h"}`, bearer).Code)
	require.Equal(t, http.StatusForbidden, do(http.MethodPost, "/token", "", bearer).Code)
	require.Equal(t, http.StatusBadRequest, do(http.MethodPost, "/token", `{"expires_in":"x"}`, basic).Code)
	require.Equal(t, http.StatusRequestEntityTooLarge, do(http.MethodPost, "/token", strings.Repeat(" ", 5000), basic).Code)
	require.Equal(t, http.StatusForbidden, newTestAPI(t).record(http.MethodPost, "/token", "").Code, "nobody to issue it to")
}

// Row "errors": a panic is a 500 like any other.
func TestPanicIsAnError(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.OnStatus = func(pinset.Pin) { panic("secret") }
	a.cluster.Seed(pinset.Pin{CID: testCID(1)})
	code, body := a.do(http.MethodGet, "/pins/"+testCID(1).String(), "")
	require.Equal(t, http.StatusInternalServerError, code)
	require.JSONEq(t, `{"error":{"reason":"INTERNAL_SERVER_ERROR","details":"unexpected error"}}`, body)
}

// Row "limits": what is ignored, and what counts as absent.
func TestWhatIsIgnored(t *testing.T) {
	id := testCID(1).String()
	for name, body := range map[string]string{
		"unknown fields":  `{"cid":"` + id + `","Name":"x","NAME":"x","x":{"y":[1]}}`,
		"nulls":           `{"cid":"` + id + `","name":null,"meta":null,"origins":null,"x":null}`,
		"spaces":          " \r\n\t" + `{ "cid" : "` + id + `" }` + "\n\n",
		"the last counts": `{"cid":"nonsense","cid":"` + id + `"}`,
	} {
		got := newTestAPI(t).pin(http.MethodPost, "/pins", body)
		require.Equal(t, pinJSON{CID: id}, got.Pin, name)
	}
	a := newTestAPI(t)
	burst(a, 3)
	all := ids(a.list(""))
	for _, query := range []string{"unknown=1", "LIMIT=1", "cid=,", "limit=&limit=3", "before=&name=&meta=&status=&match="} {
		require.Equal(t, all, ids(a.list(query)), query)
	}
	require.Equal(t, all[:1], ids(a.list("limit=&limit=1&limit=2")), "the first that is not empty counts")
	require.Equal(t, []string{}, ids(a.list("before=0001-01-01T00:00:00Z")), "nothing was before that")
	require.Equal(t, all, ids(a.list("after=0001-01-01T00:00:00Z")))
}

// Row "which CIDs": those that no IPFS node can ever pin are refused at the door,
// in words. Pins of that kind that are in the pinset are found and removed.
func TestWhichCIDs(t *testing.T) {
	cidOf := func(codec multicodec.Code, code uint64, size int) cid.Cid {
		hash, err := multihash.Encode(make([]byte, size), code)
		require.NoError(t, err)
		return cid.NewCidV1(uint64(codec), hash)
	}
	for name, tt := range map[string]struct {
		id  cid.Cid
		why string // "" is accepted
	}{
		"identity of 128 bytes": {cidOf(multicodec.Raw, multihash.IDENTITY, 128), ""},
		"git-raw":               {cidOf(multicodec.GitRaw, multihash.SHA1, 20), ""},
		"identity of 129 bytes": {cidOf(multicodec.Raw, multihash.IDENTITY, 129), "at most 128 bytes"},
		"an IPNS name":          {cidOf(multicodec.Libp2pKey, multihash.IDENTITY, 36), "IPNS"},
		"md5":                   {cidOf(multicodec.Raw, multihash.MD5, 16), "md5"},
		"a short digest":        {cidOf(multicodec.Raw, multihash.SHA2_256, 19), "no less than 20"},
		"a long digest":         {cidOf(multicodec.Raw, multihash.SHA2_512, 600), "no more than 128"},
		"an unknown codec":      {cidOf(multicodec.EthBlock, multihash.SHA2_256, 32), "eth-block"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			other := testCID(1)
			a.cluster.Seed(pinset.Pin{CID: other, Created: testEpoch})
			for _, target := range []string{"/pins", "/pins/" + other.String()} {
				code, body := a.do(http.MethodPost, target, `{"cid":"`+tt.id.String()+`"}`)
				if tt.why == "" {
					require.Equal(t, http.StatusAccepted, code, body)
					return
				}
				require.Equal(t, http.StatusBadRequest, code, body)
				require.Contains(t, body, `"details":"cid: `)
				require.Contains(t, body, tt.why)
			}
			require.Zero(t, a.cluster.Writes)

			a.cluster.Seed(pinset.Pin{CID: tt.id, Created: testEpoch})
			require.Equal(t, []string{tt.id.String()}, ids(a.list("cid="+tt.id.String())))
			code, _ := a.do(http.MethodDelete, "/pins/"+tt.id.String(), "")
			require.Equal(t, http.StatusAccepted, code)
		})
	}
	code, body := newTestAPI(t).do(http.MethodPost, "/pins", `{"cid":"`+strings.Repeat("b", maxCIDText+1)+`"}`)
	require.Equal(t, http.StatusBadRequest, code, body)
	require.Contains(t, body, "too long")
}

// Row "origins": no more than 20 are stored.
func TestOriginsThatAreStored(t *testing.T) {
	a := newTestAPI(t)
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("/ip4/1.2.3.%d/tcp/4001%s", i, aPeer))
	}
	raw, err := json.Marshal(map[string]any{"cid": testCID(1).String(), "origins": many})
	require.NoError(t, err)
	a.pin(http.MethodPost, "/pins", string(raw))
	require.Equal(t, many[:maxOrigins], a.cluster.Pins[testCID(1)].Origins)
}

// The Content-Type of a request does not matter.
func TestContentTypeIsNotLookedAt(t *testing.T) {
	a := newTestAPI(t)
	for i, kind := range []string{"", "text/plain", "application/json; charset=utf-8", "nonsense"} {
		req := httptest.NewRequest(http.MethodPost, "/pins", strings.NewReader(`{"cid":"`+testCID(i).String()+`"}`))
		req.Header.Set("Content-Type", kind)
		rec := httptest.NewRecorder()
		a.handler.ServeHTTP(rec, req)
		require.Equal(t, http.StatusAccepted, rec.Code, kind)
		require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	}
}

// A client that walks 5,000 pins by `before` while another one adds and removes
// others through the same API sees each that was there all along exactly once.
func TestWalkOf5000WhileOthersWrite(t *testing.T) {
	a := newTestAPI(t)
	const n = 5000
	stay := make(map[string]int)
	var others []string
	for i := range n + n/4 {
		c := testCID(i)
		a.cluster.Seed(pinset.Pin{CID: c, Created: testEpoch.Add(-time.Duration(i) * time.Millisecond)})
		if i%5 == 4 {
			others = append(others, c.String())
		} else {
			stay[c.String()] = 0
		}
	}
	require.Len(t, stay, n)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		b := &testAPI{t: t, cluster: a.cluster, handler: a.handler}
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			b.do(http.MethodDelete, "/pins/"+others[i%len(others)], "")
			b.do(http.MethodPost, "/pins", `{"cid":"`+testCID(n*2+i%500).String()+`"}`)
			b.do(http.MethodDelete, "/pins/"+testCID(n*2+(i+250)%500).String(), "")
		}
	})
	seen := walkAll(t, a, "limit=100")
	close(stop)
	writer.Wait()
	for _, id := range seen {
		if _, ok := stay[id]; ok {
			stay[id]++
		}
	}
	for id, times := range stay {
		require.Equal(t, 1, times, id)
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(seen))), len(seen), "no pin is seen twice")
}

// Load balancers ask /ready, without credentials, and get reasons.
func TestReadySaysWhyNot(t *testing.T) {
	var reasons []string
	a := newTestAPI(t, WithOptions(common.Options{Unready: func(context.Context) []string { return reasons }}))
	code, body := a.do(http.MethodGet, "/ready", "")
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"ready":true,"reasons":[]}`, body)
	reasons = []string{"the IPFS node does not answer"}
	code, body = a.do(http.MethodGet, "/ready", "")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.JSONEq(t, `{"ready":false,"reasons":["the IPFS node does not answer"]}`, body)
}
