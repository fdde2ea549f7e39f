package components

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/pinset"
	"github.com/ipfs-cluster/pinsvc/pinset/view"
)

// rigSource is a view's way to a rig: its state. There is one member, which has
// pinned everything.
type rigSource struct {
	pinset.Source
	*rig
}

func (s *rigSource) Stored(ctx context.Context, c cid.Cid) (api.Pin, error) {
	st, err := s.consensus.State(ctx)
	if err != nil {
		return api.Pin{}, err
	}
	p, err := st.Get(ctx, api.NewCid(c))
	if errors.Is(err, state.ErrNotFound) {
		err = pinset.ErrNotFound
	}
	return p, err
}

func (s *rigSource) Scan(ctx context.Context, fn func(api.Pin)) error {
	st, err := s.consensus.State(ctx)
	if err != nil {
		return err
	}
	out := make(chan api.Pin, 10)
	failed := make(chan error, 1)
	go func() { failed <- st.List(ctx, out) }()
	for p := range out {
		fn(p)
	}
	return <-failed
}

func (s *rigSource) Members(context.Context) ([]string, error) { return []string{"me"}, nil }

func (s *rigSource) Unpinned(context.Context, string) (pinset.Unpinned, error) {
	return pinset.Unpinned{Asked: time.Now()}, nil
}

// listed returns the names that a view lists.
func (s *rigSource) listed(t *testing.T, v *view.View) map[string]bool {
	t.Helper()
	got, err := v.Select(t.Context(), pinset.Selection{Statuses: []pinset.Status{"pinned", "queued"}, Max: 1000})
	require.NoError(t, err)
	require.Len(t, got.First, got.Count)
	listed := make(map[string]bool)
	for _, c := range got.First {
		p, err := s.Stored(t.Context(), c.CID)
		if err == nil {
			listed[p.Name] = true
		}
	}
	return listed
}

func (s *rigSource) names(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	require.NoError(t, s.Scan(t.Context(), func(p api.Pin) { names[p.Name] = true }))
	return names
}

// Under writes from several sides a view lists what each writer has been
// acknowledged, and in the end what the state has. It also sees what a snapshot
// brings.
func TestRealViewIsTheState(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]rigOptions{"CRDT": {}, "CRDT with batches": {batch: batching}, "Raft": {raft: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o.raft && raceEnabled {
				t.Skip("the database of Raft's log does not run under the race detector")
			}
			v := view.New(view.Options{})
			t.Cleanup(v.Close)
			o.view = v
			source := &rigSource{rig: newRig(t, o)}
			v.Before(source)
			writeAll(t, source, v, 1)
			v.Start(source.consensus.ReadyC())
			writeAll(t, source, v, 2)
			<-v.Complete()
			writeAll(t, source, v, 3)
			isState := func() bool { return fmt.Sprint(source.names(t)) == fmt.Sprint(source.listed(t, v)) }
			require.Eventually(t, isState, time.Minute, 10*time.Millisecond)
			if o.raft {
				restore(t, source)
				require.Eventually(t, func() bool { return source.listed(t, v)["restored"] && isState() }, time.Minute, 10*time.Millisecond)
			}
		})
	}
}

// writeAll has four writers, each with CIDs of its own.
func writeAll(t *testing.T, s *rigSource, v *view.View, round int) {
	t.Helper()
	var writing sync.WaitGroup
	for w := range 4 {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), uint64(round)))
			for n := range 25 {
				p := fakes.Pin(10*w+rng.IntN(10), fmt.Sprintf("%d %d %d", round, w, n))
				err := s.consensus.LogPin(t.Context(), p)
				want := 1
				if err == nil && rng.IntN(3) == 0 {
					err = s.consensus.LogUnpin(t.Context(), p)
					want = 0
				}
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case <-v.Complete():
				default:
					continue
				}
				got, err := v.Select(t.Context(), pinset.Selection{
					Name: pinset.NewName("exact", p.Name), Statuses: []pinset.Status{"pinned", "queued"}, Max: 10,
				})
				if err != nil || got.Count != want {
					t.Errorf("%s: %d, not %d: %v", p.Name, got.Count, want, err)
				}
			}
		})
	}
	writing.Wait()
}

// restore reads a snapshot into the state, as Raft does.
func restore(t *testing.T, s *rigSource) {
	t.Helper()
	other, err := dsstate.New(t.Context(), inmem.New(), "", dsstate.DefaultHandle())
	require.NoError(t, err)
	require.NoError(t, other.Add(t.Context(), fakes.Pin(100, "restored")))
	var snapshot bytes.Buffer
	require.NoError(t, other.Marshal(&snapshot))
	st, err := s.inner.State(t.Context())
	require.NoError(t, err)
	require.NoError(t, st.(interface{ Unmarshal(io.Reader) error }).Unmarshal(&snapshot))
}
