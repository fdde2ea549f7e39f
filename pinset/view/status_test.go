package view

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Peer IDs, as the state has them.
func peers(n int) []string {
	ids := []string{
		"12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo",
		"12D3KooWKnCBrnmAzqQHSzgMSwk2Zw3wNBsuSjZVP5dRLx8FYB3N",
		"12D3KooWSo24hGvPPvt5ZBVcCqhfPKbZgAd5sSpZFuFpmZJ7dsdM",
	}
	for _, id := range ids {
		if _, err := peer.Decode(id); err != nil {
			panic(err)
		}
	}
	return ids[:n]
}

// on returns a pin that needs least of the given peers.
func on(p api.Pin, least int, ids ...string) api.Pin {
	p.ReplicationFactorMin, p.ReplicationFactorMax = least, len(ids)
	p.Allocations = api.StringsToPeers(ids)
	return p
}

func (f *fakeSource) says(peer string, s pinset.State, pins ...api.Pin) {
	f.change(func() {
		for _, p := range pins {
			f.said[peer][p.Cid.Cid] = s
		}
	})
}

// again makes the next list ask, and wait for the answers, also of peers that needed long
// the last time: a busy machine is none of their doing.
func again(v *View) {
	v.poller.mu.Lock()
	defer v.poller.mu.Unlock()
	v.poller.began = time.Time{}
	for _, p := range v.poller.peers {
		p.next, p.slow = time.Time{}, false
	}
}

// asks has every member asked, and waits for the answers. A list may have asked just
// before: that answer is waited for, and is not the one that counts.
func asks(v *View) {
	for range 2 {
		again(v)
		v.poll(patient)
	}
}

// quiet keeps lists from asking.
func quiet(v *View) {
	v.poller.mu.Lock()
	defer v.poller.mu.Unlock()
	v.poller.began = time.Now().Add(time.Hour)
}

func count(t testing.TB, v *View, s ...pinset.Status) int {
	t.Helper()
	_, n := listed(t, v, only(s...))
	return n
}

// A pin that is new is queued until its peers have been asked after that. One
// that was pinned and is only renamed stays pinned.
func TestChangesAfterTheLastAnswer(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	f.store(testPin(1))
	start(t, v)
	require.Equal(t, 1, count(t, v, "pinned"))
	quiet(v)
	f.commit(testPin(2))
	renamed := testPin(1)
	renamed.Name = "renamed"
	f.commit(renamed)
	names, n := listed(t, v, only("pinned"))
	require.Equal(t, []string{"renamed"}, names)
	require.Equal(t, 1, n)
	names, _ = listed(t, v, only("queued"))
	require.Equal(t, named(testPin(2)), names)
	asks(v)
	require.Equal(t, 2, count(t, v, "pinned"))

	quiet(v)
	moved := on(testPin(1), 1, peers(1)...)
	f.commit(moved)
	require.Equal(t, 1, count(t, v, "queued"), "its peer was never heard")
}

// A peer that has answered can be asked again at once: the query that a caller waited
// for is over in all its parts.
func TestAnsweredPeerCanBeAskedAgain(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	start(t, v)
	asks(v)
	quiet(v)
	for range 500 {
		var before, after int
		f.change(func() { before = f.asked["peer1"] })
		again(v)
		v.poll(patient)
		f.change(func() { after = f.asked["peer1"] })
		require.Equal(t, before+1, after)
	}
}

// What a peer says of a single pin counts until it is asked for all again.
func TestStatusOfOnePinIsLearned(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	start(t, v)
	require.Equal(t, 0, count(t, v, "pinned"))
	quiet(v)
	f.commit(testPin(1))
	require.Equal(t, 1, count(t, v, "queued"))
	for _, s := range []struct {
		state pinset.State
		word  pinset.Status
	}{
		{pinset.StatePinned, "pinned"}, {pinset.StateFailed, "failed"}, {pinset.StatePinning, "pinning"},
		{pinset.StateQueued, "queued"}, {pinset.StatePinned, "pinned"},
	} {
		f.says("peer1", s.state, testPin(1))
		_, err := v.Status(t.Context(), toPin(testPin(1)))
		require.NoError(t, err)
		for _, word := range []pinset.Status{"queued", "pinning", "pinned", "failed"} {
			want := 0
			if word == s.word {
				want = 1
			}
			require.Equal(t, want, count(t, v, word), "%s when it is %s", word, s.word)
		}
	}
	f.says("peer1", pinset.StateFailed, testPin(1))
	asks(v)
	require.Equal(t, 1, count(t, v, "failed"))

	f.says("peer1", pinset.StatePinning, testPin(1))
	f.change(func() { f.silent["peer1"] = true })
	_, err := v.Status(t.Context(), toPin(testPin(1)))
	require.NoError(t, err)
	require.Equal(t, 1, count(t, v, "failed"), "who is silent has said nothing new")
}

// However many lists there are, a peer is asked once a second at limit; one that
// does not answer is not waited for, and its statuses stay as they were.
func TestLists(t *testing.T) {
	ids := peers(2)
	f := newFakeSource(ids...)
	v := newTestView(t, f)
	quick, waiting := ids[0], ids[1]
	f.store(on(testPin(1), 1, quick), on(testPin(2), 1, waiting), on(testPin(3), 1, waiting), on(testPin(4), 2, ids...))
	f.says(waiting, pinset.StatePinning, testPin(3))
	start(t, v)
	begin := time.Now()
	release := make(chan struct{})
	f.change(func() { f.frozen[waiting] = release })
	before := f.asked[quick]
	f.commit(on(testPin(5), 1, waiting))
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 50 {
				if n := count(t, v, "pinned"); n != 3 {
					t.Errorf("%d are pinned", n)
				}
			}
		})
	}
	running.Wait()
	f.change(func() {
		limit := 2 + int(time.Since(begin)/pollInterval)
		require.LessOrEqual(t, f.asked[quick]-before, limit)
		require.LessOrEqual(t, f.asked[waiting]-before, limit)
	})
	require.Equal(t, 1, count(t, v, "pinning"))
	require.Equal(t, 1, count(t, v, "queued"))
	f.says(waiting, pinset.StatePinned, testPin(3))
	f.change(func() { delete(f.frozen, waiting) })
	close(release)
	require.Eventually(t, func() bool {
		again(v)
		return count(t, v, "pinned") == 5
	}, patient, 10*time.Millisecond)
}

// Who is no member any more keeps its last words; of who was never heard
// nothing is known. A peer that has just been started may be wrong about every
// pin.
func TestPeersThatAreNotLikeOthers(t *testing.T) {
	ids := peers(3)
	f := newFakeSource(ids[:2]...)
	v := newTestView(t, f)
	gone, stranger := ids[1], ids[2]
	f.store(testPin(0), on(testPin(1), 1, gone), on(testPin(2), 1, gone), on(testPin(3), 1, stranger), on(testPin(4), 1, ids[0], stranger))
	f.says(gone, pinset.StateFailed, testPin(2))
	start(t, v)
	check := func(want map[pinset.Status]int) {
		t.Helper()
		for s, n := range want {
			require.Equal(t, n, count(t, v, s), s)
		}
		require.Equal(t, 5, count(t, v, "queued", "pinned", "pinning", "failed"))
	}
	check(map[pinset.Status]int{"pinned": 3, "failed": 1, "queued": 1, "pinning": 0})
	f.change(func() { f.members, f.silent[gone] = ids[:1], true })
	asks(v)
	check(map[pinset.Status]int{"pinned": 3, "failed": 1, "queued": 1, "pinning": 0})

	f.change(func() {
		f.members, f.silent[gone], f.partial[gone] = ids, false, true
		f.said[stranger] = nil
	})
	asks(v)
	// Any of its two, and the one that is everywhere, may be in any state.
	check(map[pinset.Status]int{"pinned": 5, "failed": 3, "queued": 3, "pinning": 3})
	f.change(func() { f.partial[gone] = false })
	asks(v)
	check(map[pinset.Status]int{"pinned": 4, "failed": 1, "queued": 0, "pinning": 0})
	f.change(func() { f.partial[gone] = true })
	asks(v)
	f.change(func() { f.members = ids[:1] })
	asks(v)
	check(map[pinset.Status]int{"pinned": 3, "failed": 1, "queued": 1, "pinning": 0})
}

// Whatever the filter, the cheapest way finds the same as a look at each pin.
func TestFindIsASearch(t *testing.T) {
	ids := peers(2)
	rapid.Check(t, func(t *rapid.T) {
		f := newFakeSource(ids...)
		v := New(Options{})
		v.Before(f)
		defer v.Close()
		f.partial[ids[1]] = rapid.IntRange(0, 5).Draw(t, "partial") == 0
		for i := range rapid.IntRange(0, 60).Draw(t, "pins") {
			p := testPin(i)
			p.Name = rapid.SampledFrom([]string{"a", "b", "AB", "ab"}).Draw(t, "name")
			at := epoch.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "created")) * time.Millisecond)
			p.Metadata = map[string]string{pinset.CreatedKey: pinset.EncodeCreated(at), "k": p.Name}
			if n := rapid.IntRange(0, 2).Draw(t, "peers"); n > 0 {
				p = on(p, rapid.IntRange(1, n).Draw(t, "least"), ids[:n]...)
			}
			f.store(p)
			for _, id := range ids {
				f.says(id, rapid.SampledFrom([]pinset.State{2, 2, 2, 2, 0, 1, 3}).Draw(t, "state"), p)
			}
		}
		require.NoError(t, v.build())
		checkFind(t, v)
	})
}

func checkFind(t *rapid.T, v *View) {
	s := pinset.Selection{Max: rapid.SampledFrom([]int{1, 3, 1001}).Draw(t, "max")}
	if how := rapid.SampledFrom([]string{"", "exact", "iexact", "partial", "ipartial"}).Draw(t, "how"); how != "" {
		s.Name = pinset.NewName(how, rapid.SampledFrom([]string{"a", "ab", "B", "x"}).Draw(t, "text"))
	}
	if rapid.Bool().Draw(t, "meta") {
		s.Meta = map[string]string{"k": "ab"}
	}
	bound := func(name string) (at time.Time) {
		if rapid.Bool().Draw(t, name) {
			at = epoch.Add(time.Duration(rapid.IntRange(-1, 21).Draw(t, name)) * time.Millisecond)
		}
		return at
	}
	s.Before, s.After = bound("before"), bound("after")
	all := rapid.Permutation([]pinset.Status{"queued", "pinning", "pinned", "failed"}).Draw(t, "statuses")
	s.Statuses = all[:rapid.IntRange(1, 4).Draw(t, "how many")]

	filter := newFilter(s)
	snapshot := v.snapshot()
	var want []*item
	snapshot.byCreated.Scan(func(it *item) bool {
		if filter.within(it) && filter.matches(it) && (snapshot.uncertain[it.placement] || v.statuses.status(it)&filter.wanted != 0) {
			want = append(want, it)
		}
		return true
	})
	got := snapshot.find(filter)
	require.Equal(t, len(want), got.count)
	require.True(t, slices.Equal(want[:min(len(want), s.Max)], got.first))
}
