package view

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// A list that cannot wait for the view is not made from half of it.
func TestListBeforeTheViewIsBuilt(t *testing.T) {
	v := newTestView(t, newFakeSource("peer1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.Select(ctx, pinset.Selection{Max: 1})
	require.ErrorIs(t, err, errScanned, "the source is asked")
}

// What several processors find is put together in the order of the list.
func TestFindOnSeveralProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	const n = 3 * minShare
	var items []*item
	for i := range n {
		p := testPin(i)
		p.Name = fmt.Sprintf("name %d", i)
		items = append(items, newItem(p, &placement{}))
	}
	x := load(items)
	snapshot := &snapshot{byCreated: x.byCreated, byName: x.byName, unpinned: newUnpinnedIndex()}
	find := func(text string) found {
		s := only("pinned")
		s.Name, s.Max = pinset.NewName("partial", text), 1001
		return snapshot.find(newFilter(s))
	}
	all := find("name")
	require.Equal(t, n, all.count)
	require.Len(t, all.first, 1001)
	nines := find("999")
	require.Equal(t, 57, nines.count)
	require.Len(t, nines.first, 57)
	for _, out := range []found{all, nines} {
		require.True(t, slices.IsSortedFunc(out.first, newestFirst))
	}
	require.Equal(t, fmt.Sprintf("name %d", n-1), nines.first[0].name())
}

// Before and after are exclusive, whichever way a list is made.
func TestBoundsAreExclusive(t *testing.T) {
	f := newFakeSource("peer1")
	v := newTestView(t, f)
	for i := range 5 {
		p := testPin(i)
		p.Name = "name"
		f.store(p)
	}
	f.says("peer1", pinset.StateFailed, testPin(0), testPin(2))
	start(t, v)
	at := func(i int) time.Time { return epoch.Add(time.Duration(i) * time.Second) }
	for _, name := range []*pinset.Name{nil, pinset.NewName("exact", "name"), pinset.NewName("partial", "am")} {
		for _, tt := range []struct {
			statuses []pinset.Status
			want     int
		}{{nil, 3}, {[]pinset.Status{"pinned"}, 2}, {[]pinset.Status{"failed"}, 1}} {
			s := pinset.Selection{Name: name, Before: at(4), After: at(0), Statuses: tt.statuses}
			names, count := listed(t, v, s)
			require.Equal(t, tt.want, count)
			require.Len(t, names, tt.want)
		}
	}
}
