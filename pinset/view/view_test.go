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
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// patient is how long tests wait for what happens by itself.
const patient = 2 * time.Minute

// newTestView returns a view of a source, that is not started.
func newTestView(t testing.TB, f *fakeSource) *View {
	t.Helper()
	v := New(Options{CompareEvery: time.Hour})
	v.Before(f)
	f.observe = v.Observe
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

// commit stores pins and has the view observe that.
func (f *fakeSource) commit(pins ...api.Pin) {
	for _, p := range pins {
		f.store(p)
		f.observe(pinset.Change{CID: p.Cid, Pin: p})
	}
}

// commitRemoval removes a pin and has the view observe that.
func (f *fakeSource) commitRemoval(c api.Cid) {
	f.remove(c)
	f.observe(pinset.Change{CID: c, Existed: true})
}

// equalsState returns what is wrong with the index.
func (v *View) equalsState(f *fakeSource) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	shown := 0
	for c, p := range f.pins {
		if !pinset.Shown(p) {
			continue
		}
		shown++
		it := v.index.get(c.KeyString())
		switch {
		case it == nil:
			return fmt.Errorf("%s is missing", c)
		case !newItem(p, v.placements.of(p)).same(it):
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
	v.statuses.unpinned.each(func(it *item) {
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
func listed(t testing.TB, v *View, s pinset.Selection) (names []string, count int) {
	t.Helper()
	if len(s.Statuses) == 0 {
		s.Statuses = []pinset.Status{"queued", "pinning", "pinned", "failed"}
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

func only(s ...pinset.Status) pinset.Selection { return pinset.Selection{Statuses: s} }

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
	for i := range 100 {
		f.store(testPin(i))
	}
	f.onScan = func() {
		for i := range 100 {
			p := testPin(i)
			switch i % 3 {
			case 0:
				f.commitRemoval(p.Cid)
			case 1:
				p.Name = "renamed"
				f.commit(p)
			}
		}
		f.commit(testPin(1000))
	}
	start(t, v)
	require.NoError(t, v.equalsState(f), "at once")
	_, count := listed(t, v, pinset.Selection{})
	require.Equal(t, 67, count)
}

// A removal of one of several values leaves another one, and drops nothing.
func TestAnotherValue(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	f.store(testPin(1), testPin(2))
	f.onScan = func() { f.commit(testPin(2)) }
	start(t, v)
	other := testPin(1)
	other.Name = "another value"
	f.commit(other)
	require.NoError(t, v.equalsState(f))
	f.commitRemoval(other.Cid)
	require.NoError(t, v.equalsState(f))
	f.observe(pinset.Change{CID: other.Cid}) // again
	require.NoError(t, v.equalsState(f))
}

// A pin that becomes a part of a sharded add is not shown any more.
func TestPinThatBecomesAPart(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	f.store(testPin(1))
	start(t, v)
	part := testPin(1)
	part.Type = api.ShardType
	f.commit(part)
	require.NoError(t, v.equalsState(f))
	require.Zero(t, v.Size())
}

// After a write of this peer lists show it, and the answer has the `created` that
// the consensus has set.
func TestOwnWrites(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	start(t, v)
	c := testPin(1).Cid.Cid
	for i := range 20 {
		name := fmt.Sprint(i)
		p, err := v.Put(t.Context(), pinset.Pin{CID: c, Name: name, Meta: map[string]string{"k": name}})
		require.NoError(t, err)
		stored, err := f.Get(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, stored.Created, p.Created)
		names, count := listed(t, v, pinset.Selection{Meta: map[string]string{"k": name}})
		require.Equal(t, []string{name}, names)
		require.Equal(t, 1, count)
	}
	require.NoError(t, v.Delete(t.Context(), c))
	_, count := listed(t, v, pinset.Selection{})
	require.Zero(t, count)
	require.ErrorIs(t, v.Delete(t.Context(), c), pinset.ErrNotFound)
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

// What changes during a comparison is not undone by what the scan has read before.
func TestChangesDuringAComparison(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	for i := range 20 {
		f.store(testPin(i))
	}
	start(t, v)
	f.onScan = func() {
		for i := range 20 {
			if p := testPin(i); i%2 == 0 {
				f.commitRemoval(p.Cid)
			} else {
				p.Name = "renamed"
				f.commit(p)
			}
		}
		f.commit(testPin(100))
	}
	require.NoError(t, v.compare())
	require.NoError(t, v.equalsState(f))
}

// Meta that is too large for the view is found all the same.
func TestLargeMeta(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	large := testPin(1)
	large.Metadata = map[string]string{"k": "v", "large": strings.Repeat("x", maxMeta)}
	f.store(large, testPin(2))
	start(t, v)
	v.mu.Lock()
	it := v.index.get(large.Cid.KeyString())
	require.Less(t, len(it.data), 200)
	v.mu.Unlock()
	names, count := listed(t, v, pinset.Selection{Meta: map[string]string{"k": "v"}})
	require.Equal(t, named(large), names)
	require.Equal(t, 1, count)
	large.Metadata = map[string]string{"k": "other", "large": strings.Repeat("x", maxMeta)}
	f.store(large)
	require.NoError(t, v.compare())
	require.NoError(t, v.equalsState(f))
	_, count = listed(t, v, pinset.Selection{Meta: map[string]string{"k": "v"}})
	require.Zero(t, count)
}

// A pin takes at limit 300 bytes of memory, whatever the number of pins.
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
		p.Metadata[pinset.CreatedKey] = pinset.EncodeCreated(epoch)
		if i%2 == 0 {
			p.Cid = api.NewCid(cid.NewCidV0(p.Cid.Hash()))
		}
		f.store(p)
		want = append(want, p.Cid.String())
	}
	slices.Sort(want)
	start(t, v)
	got, err := v.Select(t.Context(), pinset.Selection{Statuses: []pinset.Status{"pinned"}, Max: 100})
	require.NoError(t, err)
	var have []string
	for _, c := range got.First {
		have = append(have, c.CID.String())
	}
	require.Equal(t, want, have)
}
