package pinsvcapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// burst seeds n pins that were created a millisecond apart, the last one
// newest, and returns their CIDs as a list shows them.
func burst(a *testAPI, n int) []string {
	want := make([]string, n)
	for i := range n {
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Created: testEpoch.Add(time.Duration(i) * time.Millisecond)})
		want[n-1-i] = testCID(i).String()
	}
	return want
}

func TestListDefaults(t *testing.T) {
	a := newTestAPI(t)
	want := burst(a, 25)
	got := a.list("")
	require.Equal(t, 25, got.Count)
	require.Equal(t, want[:10], ids(got))
	require.Equal(t, want[:25], ids(a.list("limit=30")))
}

// walkAll pages through a list as Kubo does: `before` the last one's created,
// until count equals the number of results.
func walkAll(t *testing.T, a *testAPI, query string) []string {
	t.Helper()
	var all []string
	before := ""
	for range 10_000 {
		page := a.list(query + "&before=" + url.QueryEscape(before))
		all = append(all, ids(page)...)
		if page.Count == len(page.Results) {
			return all
		}
		require.NotEmpty(t, page.Results, "a count without results")
		before = page.Results[len(page.Results)-1].Created
	}
	t.Fatal("the walk does not end")
	return nil
}

func TestWalkSeesEveryPinOnce(t *testing.T) {
	a := newTestAPI(t)
	require.Equal(t, burst(a, 95), walkAll(t, a, "limit=10"))
}

func TestPageEdgeOnEqualCreated(t *testing.T) {
	at := func(ms int) time.Time { return testEpoch.Add(time.Duration(ms) * time.Millisecond) }
	for name, tt := range map[string]struct {
		created []int // milliseconds
		limit   int
		pages   []int // their lengths
	}{
		"groups fit":                        {[]int{9, 9, 8, 8}, 2, []int{2, 2}},
		"the page ends before a torn group": {[]int{9, 8, 8}, 2, []int{1, 2}},
		"a group larger than the page":      {[]int{9, 9, 9, 8}, 2, []int{3, 1}},
		"a group larger than a page of one": {[]int{9, 9}, 1, []int{2}},
		"torn in the middle of the list":    {[]int{9, 8, 8, 8, 7, 6, 6}, 3, []int{1, 3, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			for i, ms := range tt.created {
				a.cluster.Seed(pinset.Pin{CID: testCID(i), Created: at(ms)})
			}
			var pages []int
			before := ""
			for range tt.created {
				p := a.list(fmt.Sprintf("limit=%d&before=%s", tt.limit, before))
				if len(p.Results) == 0 {
					break
				}
				pages = append(pages, len(p.Results))
				before = p.Results[len(p.Results)-1].Created
			}
			require.Equal(t, tt.pages, pages)
		})
	}
}

func TestLargestGroup(t *testing.T) {
	a := newTestAPI(t)
	for i := range 1100 {
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Created: testEpoch})
	}
	got := a.list("limit=5")
	require.Len(t, got.Results, 1000)
	require.Equal(t, 1100, got.Count)
}

func TestBeforeAndAfterAreExclusive(t *testing.T) {
	a := newTestAPI(t)
	want := burst(a, 5)
	stamp := func(i int) string { return pinset.EncodeCreated(testEpoch.Add(time.Duration(i) * time.Millisecond)) }
	for query, wanted := range map[string][]string{
		"before=" + stamp(3):                                     want[2:],
		"after=" + stamp(3):                                      want[:1],
		"after=" + stamp(0) + "&before=" + stamp(4):              want[1:4],
		"before=" + stamp(0):                                     {},
		"after=" + stamp(4):                                      {},
		"before=2026-03-04T05:06:07.0039Z":                       want[2:], // to the millisecond
		"after=2026-03-04T05:06:07.0030001Z":                     want[:1],
		"before=" + "2026-03-04T06:06:07.003%2B01:00":            want[2:],
		"before=" + "2026-03-04T06:06:07.003+01:00":              want[2:], // a plus that was not escaped
		"before=" + strings.ToLower(stamp(3)):                    want[2:], // RFC 3339 section 5.6
		"before=&after=":                                         want,
		"before=9999-12-31T23:59:59Z&after=0001-01-01T00:00:00Z": want,
	} {
		got := a.list(query)
		require.Equal(t, wanted, ids(got), query)
		require.Equal(t, len(wanted), got.Count, query)
	}
}

func TestNameMatching(t *testing.T) {
	a := newTestAPI(t)
	names := []string{"Précis.PDF", "précis.pdf", "PRÉCIS", "other", "", "straße", "ΣΊΣΥΦΟΣ", "100%_x"}
	for i, n := range names {
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Name: n, Created: testEpoch.Add(-time.Duration(i) * time.Second)})
	}
	for _, tt := range []struct {
		name, match string
		want        []int
	}{
		{"précis.pdf", "", []int{1}},
		{"précis.pdf", "exact", []int{1}},
		{"précis.pdf", "iexact", []int{0, 1}},
		{"écis", "partial", []int{0, 1}},
		{"éCIS", "ipartial", []int{0, 1, 2}},
		{"σίσυφος", "iexact", []int{6}},
		{"%_", "partial", []int{7}},
		{"nothing", "ipartial", []int{}},
		{"", "partial", []int{0, 1, 2, 3, 4, 5, 6, 7}},
	} {
		q := url.Values{"name": {tt.name}, "match": {tt.match}}.Encode()
		want := make([]string, 0)
		for _, i := range tt.want {
			want = append(want, testCID(i).String())
		}
		require.Equal(t, want, ids(a.list(q)), q)
	}
}

func TestMetaFilter(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.Seed(
		pinset.Pin{CID: testCID(1), Created: testEpoch, Meta: map[string]string{"a": "1", "b": "2"}},
		pinset.Pin{CID: testCID(2), Created: testEpoch.Add(-1e9), Meta: map[string]string{"a": "1"}},
		pinset.Pin{CID: testCID(3), Created: testEpoch.Add(-2e9), Meta: map[string]string{"a": ""}},
	)
	for meta, want := range map[string][]int{
		`{"a":"1"}`: {1, 2}, `{"a":"1","b":"2"}`: {1}, `{"a":""}`: {3}, `{"b":"1"}`: {}, `{"c":""}`: {},
		`{}`: {1, 2, 3}, `null`: {1, 2, 3}, ``: {1, 2, 3},
	} {
		wanted := make([]string, 0)
		for _, i := range want {
			wanted = append(wanted, testCID(i).String())
		}
		require.Equal(t, wanted, ids(a.list("meta="+url.QueryEscape(meta))), meta)
	}
}

// The spellings of JavaScript clients (@ipfs-shipyard/pinning-service-client
// 3.0.0, openapi-fetch 0.17, @hey-api/openapi-ts 0.90, axios, qs) filter as the
// specification's do.
func TestBrackets(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.Seed(
		pinset.Pin{CID: testCID(1), Name: "n", Created: testEpoch, Meta: map[string]string{"a": "1", "b": "2"}},
		pinset.Pin{CID: testCID(2), Name: "n", Created: testEpoch.Add(-1e9), Meta: map[string]string{"a": "1"}},
		pinset.Pin{CID: testCID(3), Name: "m", Created: testEpoch.Add(-2e9), Meta: map[string]string{"a": "", "x[0]": "y", "q r&": "=,"}},
	)
	a.cluster.Unpinned[testCID(2)] = stateOf(pinset.StateFailed)
	one, two, three := testCID(1).String(), testCID(2).String(), testCID(3).String()
	for query, want := range map[string][]string{
		"meta[a]=1":                            {one, two},
		"meta%5Ba%5D=1":                        {one, two},
		"meta[a]=1&meta[b]=2":                  {one},
		"meta[a]=1&meta=%7B%22b%22:%222%22%7D": {one},
		"meta=%7B%22b%22:%222%22%7D&meta={%22a%22:%221%22}": {one},
		"meta[a]=1&meta[a]=1":                               {one, two},
		"meta[a]=":                                          {three},
		"meta[x[0]]=y":                                      {three},
		"meta[q+r%26]=%3D%2C":                               {three},
		"meta[no]=1":                                        {},
		"meta[a]=1&status[]=failed":                         {two},
		"status[]=failed&status[]=pinned":                   {one, two, three},
		"status[0]=failed&status[1]=queued":                 {two},
		"status[]=failed,queued":                            {two},
		"status[]=":                                         {one, three}, // as status=
		"cid[]=" + one + "&cid[]=" + three:                  {one, three},
		"cid[0]=" + one + "&cid[1]=" + two:                  {one, two},
		"cid=" + one + "&cid[]=" + two + "," + three:        {one, two, three},
		"cid%5B%5D=" + two:                                  {two},
		"other[a]=1&x.y=2&[meta]=1":                         {one, three}, // unknown names
		"name=n&name=n&name=":                               {one, two},
	} {
		require.Equal(t, want, ids(a.list(query)), query)
	}
}

// stateOf lets one peer say one thing of a pin.
func stateOf(s pinset.State) []pinset.PeerStatus {
	return []pinset.PeerStatus{{Peer: "peer1", State: s}}
}

func TestStatusFilter(t *testing.T) {
	a := newTestAPI(t)
	for i, s := range []pinset.State{pinset.StatePinned, pinset.StateQueued, pinset.StatePinning, pinset.StateFailed} {
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Name: "n", Created: testEpoch.Add(-time.Duration(i) * time.Second), Meta: map[string]string{"k": "v"}})
		if s != pinset.StatePinned {
			a.cluster.Unpinned[testCID(i)] = stateOf(s)
		}
	}
	for query, want := range map[string][]int{
		"":                                    {0}, // no filter of identity: only pinned
		"limit=5":                             {0},
		"after=2000-01-01T00:00:00Z":          {0},
		"name=n":                              {0, 1, 2, 3},
		"meta=%7B%22k%22:%22v%22%7D":          {0, 1, 2, 3},
		"name=n&status=queued":                {1},
		"status=pinned":                       {0},
		"status=queued":                       {1},
		"status=pinning":                      {2},
		"status=failed":                       {3},
		"status=queued,failed":                {1, 3},
		"status=queued&status=failed":         {1, 3},
		"status=queued,queued,":               {1},
		"status=":                             {0},
		"status=failed,pinned,pinning,queued": {0, 1, 2, 3},
	} {
		wanted := make([]string, 0)
		for _, i := range want {
			wanted = append(wanted, testCID(i).String())
		}
		got := a.list(query)
		require.Equal(t, wanted, ids(got), query)
		require.Equal(t, len(want), got.Count, query)
	}
	cids := testCID(1).String() + "," + testCID(0).String()
	require.Equal(t, []string{testCID(0).String(), testCID(1).String()}, ids(a.list("cid="+cids)))
	require.Equal(t, []string{testCID(1).String()}, ids(a.list("cid="+cids+"&status=queued")))
	require.Empty(t, a.list("cid="+cids+"&name=other").Results)
}

// A pin whose status changes between the selection and the answer makes room
// for the next one, and leaves the count.
func TestPinThatFallsOutOfTheFilter(t *testing.T) {
	a := newTestAPI(t)
	want := burst(a, 12)
	gone := testCID(11)
	a.cluster.OnStatus = func(p pinset.Pin) {
		if p.CID == gone {
			a.cluster.Mu.Lock()
			a.cluster.Unpinned[gone] = stateOf(pinset.StateFailed)
			a.cluster.Mu.Unlock()
		}
	}
	got := a.list("status=pinned&limit=11")
	require.Equal(t, want[1:], ids(got))
	require.Equal(t, 11, got.Count)
}

// A pin that is added anew between the selection and the answer belongs to
// another place of the list, and is not on the page.
func TestPinThatIsAddedAnew(t *testing.T) {
	a := newTestAPI(t)
	want := burst(a, 12)
	gone, anew := testCID(11), testCID(0)
	a.cluster.OnStatus = func(p pinset.Pin) {
		if p.CID == gone { // and so anew is looked at, after this
			a.cluster.Mu.Lock()
			a.cluster.Unpinned[gone] = stateOf(pinset.StateFailed)
			a.cluster.Pins[anew] = pinset.Pin{CID: anew, Created: testEpoch.Add(time.Hour)}
			a.cluster.Mu.Unlock()
		}
	}
	got := a.list("status=pinned&limit=11")
	require.Equal(t, want[1:11], ids(got))
	require.Equal(t, 10, got.Count)
}

func TestCountIsZeroWithoutResults(t *testing.T) {
	a := newTestAPI(t)
	burst(a, 3)
	a.cluster.OnStatus = func(p pinset.Pin) {
		a.cluster.Mu.Lock()
		defer a.cluster.Mu.Unlock()
		a.cluster.Unpinned[p.CID] = stateOf(pinset.StateQueued)
	}
	got := a.list("status=pinned")
	require.Zero(t, got.Count)
	require.Empty(t, got.Results)
}

// A client that walks while others come and go sees every pin that was there
// all along exactly once.
func TestWalkWhilePinsComeAndGo(t *testing.T) {
	a := newTestAPI(t)
	const n = 600
	var stay []string
	for i := range n {
		a.cluster.Seed(pinset.Pin{CID: testCID(i), Created: testEpoch.Add(time.Duration(i) * time.Millisecond)})
		if i%3 != 0 {
			stay = append(stay, testCID(i).String())
		}
	}
	slices.Reverse(stay)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = a.cluster.Delete(t.Context(), testCID(i%n/3*3))
			a.cluster.Seed(pinset.Pin{CID: testCID(n + i%50), Created: testEpoch.Add(time.Duration(i) * time.Second)})
		}
	}()
	seen := walkAll(t, a, "limit=10")
	close(stop)
	<-done
	count := make(map[string]int)
	for _, id := range seen {
		count[id]++
	}
	for _, id := range stay {
		require.Equal(t, 1, count[id])
	}
}
