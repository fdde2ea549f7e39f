package view

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// patient is how long tests wait for what happens by itself.
const patient = 20 * time.Second

// newTestView returns a view of a source, that is not started.
func newTestView(t testing.TB, f *fakeSource) *View {
	t.Helper()
	v := New(Options{CompareEvery: time.Hour})
	v.follower.after = [lookTimes]time.Duration{time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond}
	v.Before(f)
	t.Cleanup(v.Close)
	return v
}

// start builds a view.
func start(t testing.TB, v *View) {
	t.Helper()
	ready := make(chan struct{})
	v.Start(ready)
	close(ready)
	select {
	case <-v.Complete():
	case <-time.After(patient):
		require.Fail(t, "the view is not complete")
	}
}

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// testPin is one of many pins, created a second apart.
func testPin(i int) api.Pin {
	p := fixture.Fresh("test", i)
	p.Created = epoch.Add(time.Duration(i) * time.Second)
	return p.Cluster()
}

func (f *fakeSource) store(pins ...api.Pin) {
	f.change(func() {
		for _, p := range pins {
			f.pins[p.Cid.Cid] = p
		}
	})
}

func (f *fakeSource) remove(c api.Cid) { f.change(func() { delete(f.pins, c.Cid) }) }

// equalsState returns what is wrong with the index.
func (v *View) equalsState(f *fakeSource) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	shown := 0
	for c, p := range f.pins {
		if !pinsvcapi.Shown(p) {
			continue
		}
		shown++
		it := v.index.get(c.KeyString())
		switch {
		case it == nil:
			return fmt.Errorf("%s is missing", c)
		case !newItem(p, v.places.of(p)).same(it):
			return fmt.Errorf("%s differs", c)
		}
		if _, ok := v.index.byCreated.Get(it); !ok {
			return fmt.Errorf("%s is not in the order of created", c)
		}
		if _, ok := v.index.byName.Get(it); !ok {
			return fmt.Errorf("%s is not in the order of names", c)
		}
	}
	for _, t := range []*tree{v.index.byCID, v.index.byCreated, v.index.byName} {
		if t.Len() != shown {
			return fmt.Errorf("%d pins, not %d", t.Len(), shown)
		}
	}
	var wrong error
	noted := map[*item]bool{}
	v.board.others.each(func(it *item) {
		if v.index.get(it.key()) != it {
			wrong = fmt.Errorf("an exception is not in the index")
		}
		if noted[it] {
			wrong = fmt.Errorf("a pin has two statuses")
		}
		noted[it] = true
	})
	return wrong
}

func requireEqual(t *testing.T, v *View, f *fakeSource) {
	t.Helper()
	var err error
	require.Eventually(t, func() bool {
		err = v.equalsState(f)
		return err == nil
	}, patient, time.Millisecond, "%v", err)
}

// listed returns the names of a list and its count.
func listed(t testing.TB, v *View, s pinsvcapi.Selection) (names []string, count int) {
	t.Helper()
	if len(s.Statuses) == 0 {
		s.Statuses = []pinsvcapi.Status{"queued", "pinning", "pinned", "failed"}
	}
	if s.Max == 0 {
		s.Max = 1001
	}
	got, err := v.Select(t.Context(), s)
	require.NoError(t, err)
	for _, c := range got.First {
		v.mu.Lock()
		names = append(names, v.index.get(c.CID.KeyString()).name())
		v.mu.Unlock()
	}
	return names, got.Count
}

func only(s ...pinsvcapi.Status) pinsvcapi.Selection { return pinsvcapi.Selection{Statuses: s} }

func named(pins ...api.Pin) (names []string) {
	for _, p := range pins {
		names = append(names, p.Name)
	}
	return names
}

// What happens while the view is built wins over what the scan has read
// before, whichever way it goes.
func TestChangesDuringTheBuild(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	for i := range v.follower.after {
		v.follower.after[i] = time.Hour // no later look makes it right
	}
	for i := range 100 {
		f.store(testPin(i))
	}
	f.onScan = func() {
		for i := range 100 {
			p := testPin(i)
			switch i % 3 {
			case 0:
				f.remove(p.Cid)
				v.Untracked(p.Cid)
				v.Written(p.Cid, api.Pin{})
			case 1:
				p.Name = "renamed"
				v.Tracked(p)
				f.store(p)
			}
		}
		p := testPin(1000)
		v.Tracked(p)
		f.store(p)
	}
	start(t, v)
	require.NoError(t, v.equalsState(f), "at once")
	_, count := listed(t, v, pinsvcapi.Selection{})
	require.Equal(t, 67, count)
}

// An Untrack that comes although the pin lives on with another value drops
// nothing, not even for a moment.
func TestUntrackOfAPinThatLivesOn(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	f.store(testPin(1), testPin(2))
	f.onScan = func() { v.Untracked(testPin(2).Cid) }
	start(t, v)
	for range 100 {
		v.Untracked(testPin(1).Cid)
		_, count := listed(t, v, pinsvcapi.Selection{})
		require.Equal(t, 2, count)
	}
	other := testPin(1)
	other.Name = "another value"
	f.store(other)
	v.Untracked(other.Cid)
	requireEqual(t, v, f)
	f.remove(other.Cid)
	v.Untracked(other.Cid)
	requireEqual(t, v, f)
}

// Track comes before the state has the pin: a look that does not show it is
// older, and does not undo it. What never comes goes in the end.
func TestTrackBeforeTheCommit(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	v.follower.after = [lookTimes]time.Duration{time.Millisecond, time.Millisecond, time.Millisecond, time.Hour}
	before := testPin(1)
	f.store(before)
	start(t, v)
	after := before
	after.Name = "after"
	v.Tracked(after)
	v.Tracked(testPin(2))
	looked := func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.follower.lines[lookTimes-1]) == 2
	}
	require.Eventually(t, looked, patient, time.Millisecond)
	names, _ := listed(t, v, pinsvcapi.Selection{})
	require.Equal(t, []string{testPin(2).Name, "after"}, names)

	f.store(after)
	v.mu.Lock()
	for i := range v.follower.lines[lookTimes-1] {
		v.follower.lines[lookTimes-1][i].at = time.Now()
	}
	v.mu.Unlock()
	v.Tracked(after) // wakes it
	requireEqual(t, v, f)
	names, _ = listed(t, v, pinsvcapi.Selection{})
	require.Equal(t, []string{"after"}, names)
}

// After a write of this peer lists show it, whatever the tracker has told.
func TestOwnWrites(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	start(t, v)
	c := testPin(1).Cid.Cid
	for i := range 20 {
		name := fmt.Sprint(i)
		_, err := v.Put(t.Context(), pinsvcapi.Pin{CID: c, Name: name, Meta: map[string]string{"k": name}})
		require.NoError(t, err)
		names, count := listed(t, v, pinsvcapi.Selection{Meta: map[string]string{"k": name}})
		require.Equal(t, []string{name}, names)
		require.Equal(t, 1, count)
	}
	require.NoError(t, v.Delete(t.Context(), c))
	_, count := listed(t, v, pinsvcapi.Selection{})
	require.Zero(t, count)
	require.ErrorIs(t, v.Delete(t.Context(), c), pinsvcapi.ErrNotFound)

	// On Raft, what the consensus tells comes before what the tracker tells.
	f.store(testPin(2))
	v.Written(testPin(2).Cid, testPin(2))
	_, count = listed(t, v, pinsvcapi.Selection{})
	require.Equal(t, 1, count)
	f.remove(testPin(2).Cid)
	v.Written(testPin(2).Cid, api.Pin{})
	v.Tracked(testPin(2)) // late
	requireEqual(t, v, f)
}

// A comparison finds what nobody has told.
func TestCompareHeals(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	for i := range 10 {
		f.store(testPin(i))
	}
	start(t, v)
	changed := testPin(1)
	changed.Name = "changed"
	shard := testPin(3)
	shard.Type = api.ShardType
	f.store(changed, testPin(20), shard)
	f.remove(testPin(2).Cid)
	require.Error(t, v.equalsState(f))
	require.NoError(t, v.compare())
	require.NoError(t, v.equalsState(f))
}

// Meta that is too large for the view is found all the same.
func TestLargeMeta(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	large := testPin(1)
	large.Metadata = map[string]string{"k": "v", "large": strings.Repeat("x", metaMost)}
	f.store(large, testPin(2))
	start(t, v)
	v.mu.Lock()
	it := v.index.get(large.Cid.KeyString())
	require.Less(t, len(it.data), 200)
	v.mu.Unlock()
	names, count := listed(t, v, pinsvcapi.Selection{Meta: map[string]string{"k": "v"}})
	require.Equal(t, named(large), names)
	require.Equal(t, 1, count)
	large.Metadata = map[string]string{"k": "other", "large": strings.Repeat("x", metaMost)}
	f.store(large)
	require.NoError(t, v.compare())
	require.NoError(t, v.equalsState(f))
	_, count = listed(t, v, pinsvcapi.Selection{Meta: map[string]string{"k": "v"}})
	require.Zero(t, count)
}

// A pin takes at most 300 bytes of memory, whatever the number of pins.
func TestMemoryOfAPin(t *testing.T) {
	const n = 20_000
	pins := make([]api.Pin, 0, n)
	for p := range (fixture.Set{N: n}).Newest() {
		pins = append(pins, p.Cluster())
	}
	f := newFakeSource("peer1")
	f.store(pins...)
	v := newTestView(t, f)
	before := heap()
	start(t, v)
	perPin := (heap() - before) / n
	require.Less(t, perPin, int64(300))
	require.Equal(t, n, v.Size())
	runtime.KeepAlive(pins)
}

// The first of equal `created` are in the order of their CIDs.
func TestOrderOfEqualCreated(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	var want []string
	for i := range 50 {
		p := testPin(i)
		p.Metadata[pinsvcapi.CreatedKey] = pinsvcapi.EncodeCreated(epoch)
		if i%2 == 0 {
			p.Cid = api.NewCid(cid.NewCidV0(p.Cid.Hash()))
		}
		f.store(p)
		want = append(want, p.Cid.String())
	}
	slices.Sort(want)
	start(t, v)
	got, err := v.Select(t.Context(), pinsvcapi.Selection{Statuses: []pinsvcapi.Status{"pinned"}, Max: 100})
	require.NoError(t, err)
	var have []string
	for _, c := range got.First {
		have = append(have, c.CID.String())
	}
	require.Equal(t, want, have)
}
