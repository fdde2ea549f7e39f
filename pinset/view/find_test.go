package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// findings is a snapshot of pins whose statuses come in rows of any length,
// short ones and such as are passed over in leaps.
func findings(random *rand.Rand, n int) (*snapshot, []*item) {
	var items []*item
	for i := range n {
		p := testPin(i)
		p.Name = fmt.Sprintf("name %d", i%7)
		items = append(items, newItem(p, &placement{}))
	}
	x := load(slices.Clone(items))
	s := &snapshot{byCreated: x.byCreated, byName: x.byName, unpinned: newUnpinnedIndex()}
	all := page(x.byCreated, 0, n)
	for from := 0; from < n; {
		row := 1 + random.IntN([]int{3, 50, 3 * leapThreshold}[random.IntN(3)])
		st := status(1) << random.IntN(4)
		for _, it := range all[from:min(from+row, n)] {
			s.unpinned.set(it, st)
		}
		from += row
	}
	return s, all
}

// What is found in a clever way is what looking at every pin finds.
func TestFindIsWhatLookingAtAllFinds(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 0))
		s, all := findings(random, 8*leapThreshold)
		statuses := make([]status, len(all))
		for i, it := range all {
			statuses[i] = s.unpinned.status(it)
		}
		for range 100 {
			q := pinset.Selection{Max: []int{1, 10, 1001}[random.IntN(3)]}
			if random.IntN(2) == 0 {
				q.Before = all[random.IntN(len(all))].createdAt().Add(time.Duration(random.IntN(3)-1) * time.Millisecond)
			}
			if random.IntN(2) == 0 {
				q.After = all[random.IntN(len(all))].createdAt()
			}
			q.Name = []*pinset.Name{nil, nil, pinset.NewName("exact", "name 3"), pinset.NewName("partial", "e 3")}[random.IntN(4)]
			f := newFilter(q)
			f.wanted = status(1 + random.IntN(int(anyStatus)))
			var want found
			for i, it := range all {
				if statuses[i]&f.wanted != 0 && f.within(it) && f.matches(it) {
					want.add(it, f.max)
				}
			}
			got := s.find(f)
			require.Equal(t, want.count, got.count, "seed %d, %+v", seed, f)
			require.True(t, slices.Equal(want.first, got.first), "seed %d, %+v", seed, f)
		}
	}
}

// While nobody knows what is pinned, every pin is a candidate: none is left out,
// and none has to be looked at for that.
func TestFindWhileNothingIsKnown(t *testing.T) {
	s, all := findings(rand.New(rand.NewPCG(1, 0)), 100)
	s.uncertain = map[*placement]bool{}
	for _, it := range all {
		s.uncertain[it.placement] = true
	}
	for _, allUncertain := range []bool{false, true} {
		s.allUncertain = allUncertain
		for wanted := status(1); wanted <= anyStatus; wanted++ {
			f := newFilter(pinset.Selection{Max: 10, Before: all[20].createdAt()})
			f.wanted = wanted
			got := s.find(f)
			require.Equal(t, 79, got.count)
			require.True(t, slices.Equal(all[21:31], got.first))
			f = newFilter(pinset.Selection{Max: 10, Name: pinset.NewName("partial", "e 3")})
			f.wanted = wanted
			require.Equal(t, 14, s.find(f).count, "of 100, each seventh has the name")
		}
	}
}
