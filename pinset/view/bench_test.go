package view

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// benchPins is how many pins the view of the benchmarks has:
// go test -bench . ./pinsvcapi/view -args -pins 1000000
var benchPins = flag.Int("pins", 100_000, "pins in the view of the benchmarks")

// benchSource scans generated pins in random order, as a state does.
type benchSource struct {
	*fakeSource
	set   fixture.Set
	order []int
}

func newBenchSource() *benchSource {
	n := *benchPins
	return &benchSource{newFakeSource("peer1"), fixture.Set{N: n}, rand.New(rand.NewPCG(1, 2)).Perm(n)}
}

func (s *benchSource) Scan(_ context.Context, fn func(api.Pin)) error {
	for _, i := range s.order {
		fn(s.set.At(i).Cluster())
	}
	return nil
}

func benchView(b *testing.B) (*View, *benchSource) {
	b.Helper()
	s := newBenchSource()
	v := New(Options{})
	v.Before(s)
	require.NoError(b, v.build())
	b.Cleanup(v.Close)
	return v, s
}

// BenchmarkMemory reports what the view takes for each pin.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		s := newBenchSource()
		v := New(Options{})
		v.Before(s)
		before := heap()
		start := time.Now()
		require.NoError(b, v.build())
		b.ReportMetric(time.Since(start).Seconds(), "s/build")
		b.ReportMetric(float64(heap()-before)/float64(*benchPins), "B/pin")
		runtime.KeepAlive(s)
		v.Close()
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func selection(query pinset.Selection) pinset.Selection {
	if len(query.Statuses) == 0 {
		query.Statuses = []pinset.Status{pinset.StatusPinned}
	}
	query.Max = 1001
	return query
}

// BenchmarkSelect is a list without its page.
func BenchmarkSelect(b *testing.B) {
	v, s := benchView(b)
	middle := s.set.At(s.set.N / 2)
	for _, bb := range []struct {
		name  string
		query pinset.Selection
		count int
	}{
		{"pinned", pinset.Selection{}, s.set.N},
		{"before", pinset.Selection{Before: middle.Created}, s.set.N / 2},
		{"exact name", pinset.Selection{Name: pinset.NewName("exact", middle.Name)}, 1},
		{"meta", pinset.Selection{Meta: map[string]string{"app": fixture.Application(3)}}, s.set.N / 10},
		{"ipartial", pinset.Selection{Name: pinset.NewName("ipartial", "SITE-07/")}, s.set.N / 100},
		{"partial", pinset.Selection{Name: pinset.NewName("partial", "site-07/")}, s.set.N / 100},
		{"iexact", pinset.Selection{Name: pinset.NewName("iexact", middle.Name)}, 1},
		{"queued", pinset.Selection{Statuses: []pinset.Status{pinset.StatusQueued}}, 0},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			q := selection(bb.query)
			for b.Loop() {
				got, err := v.Select(b.Context(), q)
				require.NoError(b, err)
				require.Equal(b, bb.count, got.Count)
			}
		})
	}
}

// BenchmarkSelectWhileQueued is the same while a tenth of the pins is queued.
func BenchmarkSelectWhileQueued(b *testing.B) {
	v, s := benchView(b)
	waiting := make(map[cid.Cid]pinset.State)
	for i := range s.set.N / 10 {
		waiting[s.set.At(i*10).CID] = pinset.StateQueued
	}
	s.change(func() { s.said["peer1"] = waiting })
	v.pollPeer("peer1")
	app := map[string]string{"app": fixture.Application(3)}
	for status, count := range map[pinset.Status]int{pinset.StatusQueued: len(waiting), pinset.StatusPinned: s.set.N - len(waiting)} {
		b.Run(string(status), func(b *testing.B) {
			q := selection(pinset.Selection{Statuses: []pinset.Status{status}})
			for b.Loop() {
				require.Equal(b, count, must(v.Select(b.Context(), q)).Count)
			}
		})
	}
	b.Run("meta", func(b *testing.B) {
		q := selection(pinset.Selection{Meta: app})
		for b.Loop() {
			require.Equal(b, s.set.N/10, must(v.Select(b.Context(), q)).Count)
		}
	})
	b.Run("refresh", func(b *testing.B) {
		for b.Loop() {
			v.pollPeer("peer1")
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// BenchmarkObserve is what a write costs the view, with and without a list after
// each.
func BenchmarkObserve(b *testing.B) {
	v, _ := benchView(b)
	pins := make([]api.Pin, 10_000)
	for i := range pins {
		p := fixture.Fresh("tracked", i)
		p.Created = time.Now()
		pins[i] = p.Cluster()
	}
	for _, lists := range []bool{false, true} {
		b.Run(fmt.Sprintf("lists=%v", lists), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				stored := pins[i%len(pins)]
				stored.Name = strconv.Itoa(i)
				v.Observe(pinset.Change{CID: stored.Cid, Pin: stored})
				if lists {
					v.snapshot()
				}
				i++
			}
		})
	}
}

// BenchmarkCompare is one comparison with the state, without the state's part.
func BenchmarkCompare(b *testing.B) {
	v, s := benchView(b)
	for b.Loop() {
		require.NoError(b, v.compare())
	}
	runtime.KeepAlive(s)
}

// BenchmarkBuild reads a state as it is stored.
func BenchmarkBuild(b *testing.B) {
	set := fixture.Set{N: *benchPins}
	var entries []entry
	for i := range set.N {
		entries = append(entries, stored(b, set.At(i).Cluster()))
	}
	slices.SortFunc(entries, func(a, b entry) int { return compareBase32(string(a.cid), string(b.cid)) })
	for _, quick := range []bool{false, true} {
		b.Run(fmt.Sprintf("entries=%v", quick), func(b *testing.B) {
			for b.Loop() {
				v := New(Options{})
				if quick {
					v.Through(entriesOf(entries))
				}
				v.Before(decodingSource{newFakeSource("peer1"), entries})
				before := heap()
				start := time.Now()
				require.NoError(b, v.build())
				b.ReportMetric(time.Since(start).Seconds(), "s/build")
				b.ReportMetric(float64(heap()-before)/float64(*benchPins), "B/pin")
				v.Close()
				runtime.KeepAlive(v)
			}
		})
	}
}

// decodingSource scans entries as the library does.
type decodingSource struct {
	*fakeSource
	entries []entry
}

func (s decodingSource) Scan(_ context.Context, fn func(api.Pin)) error {
	for _, e := range s.entries {
		if pin, ok := decoded(e); ok {
			fn(pin)
		}
	}
	return nil
}
