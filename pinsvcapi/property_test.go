package pinsvcapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multibase"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// wirePage is a page as any client reads it.
type wirePage struct {
	Count   int `json:"count"`
	Results []struct {
		RequestID string `json:"requestid"`
		Status    string `json:"status"`
		Created   string `json:"created"`
		Pin       struct {
			CID  string            `json:"cid"`
			Name string            `json:"name"`
			Meta map[string]string `json:"meta"`
		} `json:"pin"`
	} `json:"results"`
}

// TestListIsTheReference: for any pinset and any query, the list equals the
// reference, and walking it by `before` yields each match once.
func TestListIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newTestAPI(t)
		pins := drawPinset(t, a.cluster)
		q := drawQuery(t, pins)
		checkPage(t, a, pins, q, q.render(t))
		checkWalk(t, a, pins, q)
	})
}

// drawPinset fills a fake cluster and returns the same for the reference.
func drawPinset(t *rapid.T, f *fakeCluster) []refPin {
	f.Members = []string{"peer1", "peer2", "peer3"}[:rapid.IntRange(1, 3).Draw(t, "members")]
	var pins []refPin
	for _, c := range drawCIDs(t) {
		p := pinset.Pin{
			CID:     c,
			Name:    drawName(t),
			Meta:    drawMeta(t),
			Created: testEpoch.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "created")) * time.Millisecond),
		}
		peers := f.Members
		p.ReplicationMin, p.ReplicationMax = -1, -1
		if n := rapid.IntRange(0, len(f.Members)).Draw(t, "allocations"); n > 0 {
			p.Allocations = f.Members[:n]
			peers = p.Allocations
			p.ReplicationMin = rapid.IntRange(1, n).Draw(t, "minimum")
		}
		ref := refPin{id: c.String(), name: p.Name, meta: p.Meta, created: p.Created.UnixMilli(), need: max(1, p.ReplicationMin)}
		for _, peer := range peers {
			word := rapid.SampledFrom([]string{"pinned", "pinned", "pinned", "queued", "pinning", "failed"}).Draw(t, "status")
			ref.words = append(ref.words, word)
			if state := stateByWord[word]; state != pinset.StatePinned {
				f.Unpinned[c] = append(f.Unpinned[c], pinset.PeerStatus{Peer: peer, State: state})
			}
		}
		f.Seed(p)
		pins = append(pins, ref)
	}
	return pins
}

var stateByWord = map[string]pinset.State{
	"pinned": pinset.StatePinned, "queued": pinset.StateQueued, "pinning": pinset.StatePinning, "failed": pinset.StateFailed,
}

// drawCIDs returns some CIDs; among them are the two versions of one content.
func drawCIDs(t *rapid.T) []cid.Cid {
	var out []cid.Cid
	for i := range rapid.IntRange(0, 25).Draw(t, "pins") {
		v1 := cid.NewCidV1(cid.DagProtobuf, testCID(i).Hash())
		v0 := cid.NewCidV0(v1.Hash())
		switch rapid.IntRange(0, 3).Draw(t, "version") {
		case 0:
			out = append(out, v0)
		case 1:
			out = append(out, v0, v1)
		default:
			out = append(out, v1)
		}
	}
	return out
}

// drawName returns a short name of few letters, so that names are alike; some
// are only alike in another case, and not all of these are ASCII.
func drawName(t *rapid.T) string {
	letters := rapid.SampledFrom([]rune("aAbBkK\u212asSſßéÉσςΣ漢😀 %_"))
	return string(rapid.SliceOfN(letters, 0, 4).Draw(t, "name"))
}

func drawMeta(t *rapid.T) map[string]string {
	word := rapid.SampledFrom([]string{"", "a", "b"})
	meta := rapid.MapOfN(word, word, 0, 2).Draw(t, "meta")
	if len(meta) == 0 {
		return nil
	}
	return meta
}

// drawQuery returns a query that often matches something: its words are of the
// pinset.
func drawQuery(t *rapid.T, pins []refPin) refQuery {
	q := refQuery{}
	maybe := func(label string) bool { return rapid.IntRange(0, 4).Draw(t, label) < 2 }
	some := refPin{id: testCID(0).String(), name: "a", created: testEpoch.UnixMilli()}
	if len(pins) > 0 {
		some = rapid.SampledFrom(pins).Draw(t, "some")
	}
	if maybe("by cid") {
		q.ids = []string{some.id, testCID(1000).String()}
		for range rapid.IntRange(0, 8).Draw(t, "cids") {
			if len(pins) > 0 {
				id := rapid.SampledFrom(pins).Draw(t, "cid").id
				if other := sibling(id); other != "" && rapid.Bool().Draw(t, "other version") {
					id = other
				}
				q.ids = append(q.ids, id)
			}
		}
	}
	if maybe("by name") {
		q.match = rapid.SampledFrom([]string{"", "exact", "iexact", "partial", "ipartial"}).Draw(t, "match")
		runes := []rune(some.name)
		from := rapid.IntRange(0, len(runes)).Draw(t, "from")
		q.name = rapid.SampledFrom([]string{
			some.name, strings.ToUpper(some.name), strings.ToLower(some.name), string(runes[from:]), drawName(t),
		}).Draw(t, "name wanted")
	}
	if maybe("by meta") {
		q.meta = rapid.SampledFrom([]map[string]string{some.meta, drawMeta(t)}).Draw(t, "meta wanted")
	}
	if maybe("by status") {
		words := rapid.SampledFrom([]string{"queued", "pinning", "pinned", "failed"})
		q.statuses = rapid.SliceOfN(words, 1, 4).Draw(t, "statuses")
	}
	bound := func(label string) *int64 {
		if !maybe("by " + label) {
			return nil
		}
		ms := testEpoch.UnixMilli() + rapid.Int64Range(-5, 35).Draw(t, label)
		return &ms
	}
	q.before, q.after = bound("before"), bound("after")
	if maybe("limited") {
		q.limit = rapid.SampledFrom([]int{1, 2, 3, 5, 10, 30}).Draw(t, "limit")
	}
	return q
}

// renderMeta writes some entries with brackets and the others as JSON.
func (q refQuery) renderMeta(t *rapid.T, add func(name, value string)) {
	rest := maps.Clone(q.meta)
	for _, k := range slices.Sorted(maps.Keys(q.meta)) {
		if k != "" && rapid.Bool().Draw(t, "bracket") {
			add("meta["+k+"]", q.meta[k])
			delete(rest, k)
		}
	}
	if len(rest) > 0 {
		raw, err := json.Marshal(rest)
		require.NoError(t, err)
		add("meta", string(raw))
	}
}

// render writes a query in one of the many ways that mean the same.
func (q refQuery) render(t *rapid.T) string {
	var params []string
	add := func(name, value string) { params = append(params, name+"="+url.QueryEscape(value)) }
	list := func(name string, words []string) {
		for len(words) > 0 {
			n := rapid.IntRange(1, len(words)).Draw(t, "split")
			spelling := rapid.SampledFrom([]string{"", "", "[]", "[0]", "%5B12%5D"}).Draw(t, "brackets")
			add(name+spelling, strings.Join(words[:n], ","))
			words = words[n:]
		}
	}
	ids := make([]string, len(q.ids))
	for i, id := range q.ids {
		ids[i] = drawEncoding(t, cid.MustParse(id))
	}
	list("cid", ids)
	list("status", q.statuses)
	add("name", q.name)
	add("match", q.match)
	q.renderMeta(t, add)
	if q.before != nil {
		add("before", drawTime(t, *q.before))
	}
	if q.after != nil {
		add("after", drawTime(t, *q.after))
	}
	if q.limit > 0 {
		add("limit", strconv.Itoa(q.limit))
	}
	empty := rapid.SampledFrom([]string{"unknown=1", "cid=", "name=", "match=", "status=", "before=", "after=", "limit=", "meta=", ""})
	params = append(params, rapid.SliceOfN(empty, 0, 3).Draw(t, "empty")...)
	return strings.Join(rapid.Permutation(params).Draw(t, "order"), "&")
}

func drawEncoding(t *rapid.T, c cid.Cid) string {
	if c.Version() == 0 {
		return c.String()
	}
	base := rapid.SampledFrom([]multibase.Encoding{
		multibase.Base32, multibase.Base16, multibase.Base36, multibase.Base58BTC, multibase.Base64url,
	}).Draw(t, "base")
	text, err := c.StringOfBase(base)
	require.NoError(t, err)
	return text
}

// drawTime writes a time in any zone, and with digits that do not count.
func drawTime(t *rapid.T, ms int64) string {
	zone := time.FixedZone("", rapid.SampledFrom([]int{0, 3600, -9000}).Draw(t, "zone"))
	extra := time.Duration(rapid.SampledFrom([]int{0, 1, 999_999}).Draw(t, "nanoseconds"))
	return time.UnixMilli(ms).Add(extra).In(zone).Format(time.RFC3339Nano)
}

func getPage(t tester, a *testAPI, query string) wirePage {
	code, body := a.do(http.MethodGet, "/pins?"+query, "")
	require.Equal(t, http.StatusOK, code, body)
	var page wirePage
	require.NoError(t, json.Unmarshal([]byte(body), &page))
	return page
}

// checkPage compares one page with the reference, in all that it says.
func checkPage(t tester, a *testAPI, pins []refPin, q refQuery, query string) {
	t.Helper()
	page := getPage(t, a, query)
	all, want := q.list(pins)
	require.Equal(t, len(all), page.Count, "count of %s", query)
	require.Len(t, page.Results, len(want), query)
	for i, p := range want {
		got := page.Results[i]
		require.Equal(t, p.id, got.RequestID, query)
		require.Equal(t, p.id, got.Pin.CID)
		require.Equal(t, p.name, got.Pin.Name)
		require.True(t, maps.Equal(p.meta, got.Pin.Meta))
		require.Equal(t, p.status(), got.Status, p.id)
		require.Equal(t, time.UnixMilli(p.created).UTC().Format("2006-01-02T15:04:05.000Z"), got.Created)
	}
}

// checkWalk goes on with `before` as clients do, until count is the number of
// results.
func checkWalk(t *rapid.T, a *testAPI, pins []refPin, q refQuery) {
	all, _ := q.list(pins)
	var want, seen []string
	for _, p := range all {
		want = append(want, p.id)
	}
	for range len(pins) + 1 {
		page := getPage(t, a, q.render(t))
		for _, r := range page.Results {
			seen = append(seen, r.RequestID)
		}
		if page.Count == len(page.Results) {
			require.Equal(t, want, seen)
			return
		}
		require.NotEmpty(t, page.Results, "a count without results")
		last, err := time.Parse(time.RFC3339, page.Results[len(page.Results)-1].Created)
		require.NoError(t, err)
		ms := last.UnixMilli()
		q.before = &ms
	}
	require.Fail(t, "the walk does not end")
}

// The reference is right about what it is simplest to be wrong about.
func TestReference(t *testing.T) {
	require.Equal(t, "pinned", refPin{words: []string{"failed", "pinned"}, need: 1}.status())
	require.Equal(t, "queued", refPin{words: []string{"failed", "pinned", "queued"}, need: 2}.status())
	require.True(t, refQuery{name: "É\u212a", match: "ipartial"}.matchesName("aéka"))
	require.False(t, refQuery{name: "abc", match: "ipartial"}.matchesName("ab"))
	pins := []refPin{{id: "c", created: 1}, {id: "b", created: 2}, {id: "a", created: 2}, {id: "d", created: 3}}
	ids := func(pins []refPin) (out []string) {
		for _, p := range pins {
			out = append(out, p.id)
		}
		return out
	}
	for limit, want := range map[int][]string{
		1: {"d"}, 2: {"d"}, 3: {"d", "a", "b"}, 4: {"d", "a", "b", "c"},
	} {
		all, page := refQuery{limit: limit}.list(pins)
		require.Equal(t, []string{"d", "a", "b", "c"}, ids(all))
		require.Equal(t, want, ids(page))
	}
	_, page := refQuery{limit: 1}.list(slices.Delete(slices.Clone(pins), 3, 4))
	require.Equal(t, []string{"a", "b"}, ids(page), "a group larger than the page")
}
