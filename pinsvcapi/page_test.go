package pinsvcapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// largeCluster is a fake cluster whose pins have a meta of so many bytes each, made
// anew whenever one is read, as a store does it.
type largeCluster struct {
	*fakeCluster
	bytes  int
	onRead func(cid.Cid) error
}

func (l *largeCluster) Get(ctx context.Context, c cid.Cid) (pinset.Pin, error) {
	p, err := l.fakeCluster.Get(ctx, c)
	if err == nil && l.onRead != nil {
		err = l.onRead(c)
	}
	if err == nil {
		p.Meta = map[string]string{"large": strings.Repeat("x", l.bytes)}
	}
	return p, err
}

func newLargeAPI(t tester, pins, bytes int, opts ...Option) (*testAPI, *largeCluster) {
	l := &largeCluster{fakeCluster: newFakeCluster(), bytes: bytes}
	for i := range pins {
		l.Seed(pinset.Pin{CID: testCID(i), Created: testEpoch.Add(time.Duration(i) * time.Millisecond)})
	}
	a := newTestAPI(t, append(opts, WithCluster(l))...)
	a.cluster = l.fakeCluster
	return a, l
}

// walkPages goes through a list as clients do, and returns its pages.
func walkPages(t *testing.T, a *testAPI, total int) []resultsJSON {
	t.Helper()
	var pages []resultsJSON
	seen := map[string]bool{}
	for before := ""; ; {
		page := a.list("limit=1000" + before)
		require.NotEmpty(t, page.Results)
		require.Equal(t, total-len(seen), page.Count, "count is exact")
		for _, r := range page.Results {
			require.False(t, seen[r.RequestID], "a pin is listed twice")
			seen[r.RequestID] = true
			before = "&before=" + r.Created
		}
		pages = append(pages, page)
		if page.Count <= len(page.Results) {
			require.Len(t, seen, total)
			return pages
		}
	}
}

func TestPageEndsAfter8MiB(t *testing.T) {
	a, _ := newLargeAPI(t, 30, 1_000_000)
	pages := walkPages(t, a, 30)
	require.Len(t, pages, 4)
	for _, p := range pages {
		raw, err := json.Marshal(p)
		require.NoError(t, err)
		require.LessOrEqual(t, len(raw), pageBytes)
	}
	require.Len(t, pages[0].Results, 8, "a page is not shorter than it must be")
}

func TestPageIsNeverEmpty(t *testing.T) {
	a, _ := newLargeAPI(t, 3, pageBytes+1000)
	require.Len(t, walkPages(t, a, 3), 3)
}

func TestPageOf8MiBDoesNotTearEqualCreated(t *testing.T) {
	a, l := newLargeAPI(t, 24, 1_000_000)
	for c, p := range l.Pins {
		if !p.Created.Before(testEpoch.Add(8*time.Millisecond)) && p.Created.Before(testEpoch.Add(20*time.Millisecond)) {
			p.Created = testEpoch.Add(8 * time.Millisecond) // 12 of them
			l.Pins[c] = p
		}
	}
	pages := walkPages(t, a, 24)
	var sizes []int
	for _, p := range pages {
		sizes = append(sizes, len(p.Results))
	}
	require.Equal(t, []int{4, 12, 8}, sizes)
}

// A pin that goes between the look at it and its turn is left out.
func TestPinThatGoesWhileItsPageIsSent(t *testing.T) {
	a, l := newLargeAPI(t, 5, 5000)
	var reads atomic.Int64
	l.onRead = func(c cid.Cid) error {
		if reads.Add(1) > 5 && c == testCID(2) {
			return pinset.ErrNotFound
		}
		return nil
	}
	got := a.list("")
	require.Equal(t, 4, got.Count)
	require.Len(t, got.Results, 4)
}

// An error after the first result ends the page before it: the next page, or the
// same again, has the error or the pin.
func TestPageEndsBeforeWhatCannotBeRead(t *testing.T) {
	a, l := newLargeAPI(t, 5, 5000)
	var reads atomic.Int64
	l.onRead = func(c cid.Cid) error {
		if reads.Add(1) > 5 && c == testCID(1) {
			return pinset.Unavailable("it cannot be read", nil)
		}
		return nil
	}
	got := a.list("")
	require.Equal(t, 5, got.Count)
	require.Len(t, got.Results, 3)
	l.onRead = func(cid.Cid) error { return errors.New("it cannot be read at all") }
	code, _ := a.do(http.MethodGet, "/pins", "")
	require.Equal(t, http.StatusInternalServerError, code)
}

// stuckWriter is a client that takes the headers and then nothing more.
type stuckWriter struct {
	*httptest.ResponseRecorder
	stuck   *sync.WaitGroup
	once    sync.Once
	release <-chan struct{}
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	w.once.Do(w.stuck.Done)
	<-w.release
	return len(p), nil
}

// Clients that do not read their lists of large pins keep no more in memory than
// the budget has room for; the others are answered with 503, and small requests
// as always.
func TestClientsThatDoNotReadLists(t *testing.T) { synctest.Test(t, clientsThatDoNotReadLists) }

func clientsThatDoNotReadLists(t *testing.T) {
	const clients, pinBytes, budget = 60, 1_000_000, 32 << 20
	b := common.NewBudget(budget)
	a, l := newLargeAPI(t, 300, pinBytes, WithOptions(common.Options{Budget: b}))
	b.Saw(pinBytes)
	small := testCID(1000)
	l.Seed(pinset.Pin{CID: small, Created: testEpoch.Add(-time.Hour)})
	before := heapInUse()

	var stuck, ended sync.WaitGroup
	var refused atomic.Int64
	release := make(chan struct{})
	for range clients {
		stuck.Add(1)
		ended.Go(func() {
			w := &stuckWriter{ResponseRecorder: httptest.NewRecorder(), stuck: &stuck, release: release}
			a.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/pins?limit=1000", nil))
			if w.Code == http.StatusServiceUnavailable {
				refused.Add(1)
			}
		})
	}
	stuck.Wait() // each has a part of its answer, or a 503
	used := heapInUse() - before
	require.Less(t, used, 2*budget, "%d MiB", used>>20)
	l.bytes = 10
	code, text := a.do(http.MethodGet, "/pins/"+small.String(), "")
	require.Equal(t, http.StatusOK, code, text)
	close(release)
	ended.Wait()
	require.Positive(t, refused.Load())
	require.Less(t, refused.Load(), int64(clients))
	require.Len(t, a.list("limit=1000").Results, 301, "everything was given back")
}

// heapInUse returns the bytes that are alive.
func heapInUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestTextSize(t *testing.T) {
	for _, text := range []string{"", "abc", "ä€😀", "\x00\x1f\n\t\"\\", "\xff\xfe", "<html>&"} {
		var out strings.Builder
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(text))
		require.GreaterOrEqual(t, textSize(text), out.Len()-1, "%q", text)
	}
}
