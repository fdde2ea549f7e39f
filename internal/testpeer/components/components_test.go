package components

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	pebbleds "github.com/ipfs/go-ds-pebble"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

func TestRealWrites(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		r.pin(fakes.Pin(1, "x"))
		name, created := r.stored(1)
		require.Equal(t, "x", name, "visible when it returns")
		require.NotEmpty(t, created)
		r.becomes(1, api.TrackerStatusPinned)

		r.pin(fakes.Pin(1, "y"))
		name, again := r.stored(1)
		require.Equal(t, "y", name)
		require.Equal(t, created, again)
		require.Equal(t, api.TrackerStatusPinned, r.status(1))

		large := fakes.Pin(2, "large")
		large.Metadata = map[string]string{"m": strings.Repeat("x", 1<<20)}
		require.ErrorIs(t, r.consensus.LogPin(t.Context(), large), pinset.ErrTooLarge)

		r.unpin(1)
		name, _ = r.stored(1)
		require.Empty(t, name)
		require.Eventually(t, func() bool { return r.ipfs.Count("unpin") == 1 }, time.Minute, time.Millisecond)

		r.pin(fakes.Pin(1, "anew"))
		_, anew := r.stored(1)
		require.Greater(t, anew, created)
	})
}

func TestRealPinsInheritNothing(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		origin, err := api.NewMultiaddr("/ip4/192.0.2.1/tcp/4001/p2p/" + fakes.Other.String())
		require.NoError(t, err)
		full := fakes.Pin(1, "full")
		full.Metadata = map[string]string{"meta": "of another"}
		full.ExpireAt = time.Now().Add(time.Hour)
		full.Origins = []api.Multiaddr{origin, origin}
		full.PinUpdate = fakes.CID(9)
		full.Allocations = []peer.ID{fakes.Other}
		direct := api.PinWithOpts(fakes.CID(2), api.PinOptions{
			Mode: api.PinModeDirect, ReplicationFactorMin: -1, ReplicationFactorMax: -1,
		})

		for _, p := range []api.Pin{full, fakes.Pin(3, ""), full, direct} {
			r.pin(p)
			stored := r.storedPin(p.Cid)
			delete(stored.Metadata, pinset.CreatedKey)
			want := fakes.AsStored(p)
			want.Timestamp = stored.Timestamp
			require.Equal(t, len(want.Metadata), len(stored.Metadata))
			stored.Metadata, want.Metadata = nil, nil
			require.Equal(t, want, stored)
			r.unpin(9)
		}
	})
}

// A Raft peer reads its state from its log and snapshots at each start.
func TestRealRaftRestarts(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("the database of Raft's log does not run under the race detector")
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	require.NoError(t, err)
	o := rigOptions{raft: true, folder: t.TempDir(), key: key}
	r := newRig(t, o)
	created := make([]string, 10)
	for i := range 10 {
		p := fakes.Pin(i, fmt.Sprint(i)[:i%2])
		p.Metadata = map[string]string{fmt.Sprint(i): ""}
		r.pin(p)
		_, created[i] = r.stored(i)
	}
	r.unpin(3)
	r.shutdown()

	r = newRig(t, o)
	for i := range 10 {
		p := r.storedPin(fakes.CID(i))
		if i == 3 {
			require.False(t, p.Defined())
			continue
		}
		require.Equal(t, fmt.Sprint(i)[:i%2], p.Name)
		require.Equal(t, map[string]string{fmt.Sprint(i): "", pinset.CreatedKey: created[i]}, p.Metadata)
	}
	r.pin(fakes.Pin(5, "renamed"))
	_, again := r.stored(5)
	require.Equal(t, created[5], again)
}

// TestRealRaftIsReadyWhenItsStateIs: Raft says of entries that it has applied
// them when they are only on their way to the state.
func TestRealRaftIsReadyWhenItsStateIs(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("the database of Raft's log does not run under the race detector")
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	require.NoError(t, err)
	o := rigOptions{raft: true, folder: t.TempDir(), key: key}
	r := newRig(t, o)
	const pins = 150
	for i := range pins {
		r.pin(fakes.Pin(i, "x"))
	}
	killed := filepath.Join(t.TempDir(), "killed") // without the snapshot of an orderly end
	require.NoError(t, os.CopyFS(killed, os.DirFS(o.folder)))
	r.shutdown()

	r = newRig(t, rigOptions{raft: true, folder: killed, key: key, slow: 10 * time.Millisecond})
	for i := range pins {
		p := r.storedPin(fakes.CID(i))
		require.True(t, p.Defined(), "pin %d", i)
	}
}

func TestRealConcurrentWritersOfAFewCIDs(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for n := range 10 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					if n%5 == 4 { // gone before it has an answer
						cancel()
					}
					r.consensus.LogPin(ctx, fakes.Pin(n%3, fmt.Sprint(w, n)))
					cancel()
					if n%4 == 3 {
						r.consensus.LogUnpin(t.Context(), fakes.Pin(n%3, ""))
					}
				}
			})
		}
		wg.Wait()
		seen := make(map[string]bool)
		for i := range 3 {
			r.pin(fakes.Pin(i, "last"))
			name, created := r.stored(i)
			require.Equal(t, "last", name)
			require.False(t, seen[created])
			seen[created] = true
			r.becomes(i, api.TrackerStatusPinned)
		}
	})
}

// An update must not be queued behind pins that do not end.
func TestRealUpdateOfAPinnedPinStaysPinned(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		r.pin(fakes.Pin(1, "x"))
		r.becomes(1, api.TrackerStatusPinned)
		r.ipfs.Set(func(f *fakes.IPFS) { f.Hangs = func(api.Pin) bool { return true } })
		for i := 10; i < 16; i++ {
			r.pin(fakes.Pin(i, "hangs"))
		}
		r.becomes(10, api.TrackerStatusPinning)

		ctx, cancel := context.WithCancel(t.Context())
		seen := make(map[api.TrackerStatus]bool)
		var watching sync.WaitGroup
		watching.Go(func() {
			for ctx.Err() == nil {
				seen[r.status(1)] = true
			}
		})
		for n := range 20 {
			r.pin(fakes.Pin(1, fmt.Sprint("renamed ", n)))
		}
		require.Eventually(t, func() bool {
			waiting, err := r.tracker.PinQueueSize(t.Context())
			return err == nil && waiting < 5 // of those that hang two are not queued
		}, time.Minute, time.Millisecond)
		cancel()
		watching.Wait()
		require.Equal(t, map[api.TrackerStatus]bool{api.TrackerStatusPinned: true}, seen)
	})
}

func TestRealFrozenReaderDoesNotStopWrites(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		r.ipfs.Set(func(f *fakes.IPFS) { f.Hangs = func(api.Pin) bool { return true } })
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 10 {
					r.pin(fakes.Pin(100*w+i, "hangs"))
				}
			})
		}
		wg.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for _, filter := range []api.TrackerStatus{fakes.InMemory, api.TrackerStatusUndefined} {
			out := make(chan api.PinInfo)
			readers.Go(func() { r.tracker.StatusAll(ctx, filter, out) })
			<-out // it is in the middle of the list
		}
		written := make(chan struct{})
		go func() {
			defer close(written)
			r.pin(fakes.Pin(1000, "x"))
			r.unpin(1000)
		}()
		select {
		case <-written:
		case <-time.After(10 * time.Second):
			t.Error("a frozen reader stops writes")
		}
		cancel()
		readers.Wait()
	})
}

func TestRealIPFSGoesAwayAndComesBack(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		r.pin(fakes.Pin(0, "pinned"))
		r.becomes(0, api.TrackerStatusPinned)
		r.ipfs.Set(func(f *fakes.IPFS) { f.Mode = "away" })
		for i := 1; i < 10; i++ {
			r.pin(fakes.Pin(i, "x"))
			require.NotEqual(t, api.TrackerStatusPinError, r.status(i))
		}
		r.pin(fakes.Pin(0, "renamed"))
		r.unpin(9)
		require.Error(t, r.recover())
		require.Eventually(t, func() bool { return r.ipfs.Count("id") > 2 }, time.Minute, 10*time.Millisecond)
		for i := 1; i < 9; i++ {
			require.Contains(t, []api.TrackerStatus{api.TrackerStatusPinQueued, api.TrackerStatusPinning}, r.status(i), "pin %d", i)
		}
		r.ipfs.Set(func(f *fakes.IPFS) { f.Mode = "" })
		for i := range 9 {
			r.becomes(i, api.TrackerStatusPinned)
		}
		require.Eventually(t, func() bool {
			status, err := r.ipfs.PinLsCid(t.Context(), fakes.Pin(9, ""))
			return err == nil && status == api.IPFSPinStatusUnpinned
		}, 10*time.Second, 10*time.Millisecond)
	})
}

func TestRealLostContentIsQueuedByRecover(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		for i := range 5 {
			r.pin(fakes.Pin(i, "x"))
			r.becomes(i, api.TrackerStatusPinned)
		}
		r.ipfs.Set(func(f *fakes.IPFS) {
			f.Hangs = func(api.Pin) bool { return true }
			clear(f.Pins)
		})
		require.NoError(t, r.recover())
		out := make(chan api.PinInfo, 100)
		require.NoError(t, r.tracker.StatusAll(t.Context(), fakes.InMemory, out))
		require.Len(t, out, 5, "at once")
		r.ipfs.Set(func(f *fakes.IPFS) { f.Hangs = nil })
	})
}

// What is on disk when a write returns is what a killed process leaves.
func TestRealWritesAreOnDisk(t *testing.T) {
	for name, batch := range map[string]crdt.BatchingConfig{"one by one": {}, "with batches": batching} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{batch: batch})
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for n := range 10 {
						r.pin(fakes.Pin(10*w+n, "x"))
					}
					r.unpin(10 * w)
					r.pin(fakes.Pin(10*w+1, "renamed"))
				})
			}
			wg.Wait()
			state, err := crdt.OfflineState(crdtConfig(t), onDisk(t, r.folder))
			require.NoError(t, err)
			for i := range 40 {
				pin, err := state.Get(t.Context(), fakes.CID(i))
				switch i % 10 {
				case 0:
					require.Error(t, err)
				case 1:
					require.Equal(t, "renamed", pin.Name)
				default:
					require.Equal(t, "x", pin.Name)
				}
			}
		})
	}
}

// onDisk returns, in memory, what a datastore finds when it is opened in a copy
// of a folder that is in use.
func onDisk(t *testing.T, folder string) datastore.Datastore {
	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(folder)))
	store, err := pebbleds.NewDatastore(copied)
	require.NoError(t, err)
	defer store.Close()
	results, err := store.Query(t.Context(), query.Query{})
	require.NoError(t, err)
	entries, err := results.Rest()
	require.NoError(t, err)
	memory := inmem.New()
	for _, e := range entries {
		require.NoError(t, memory.Put(t.Context(), datastore.NewKey(e.Key), e.Value))
	}
	return memory
}

func TestRealShutdownUnderWriters(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		var writers sync.WaitGroup
		var written atomic.Int64
		for range 8 {
			writers.Go(func() {
				for r.consensus.LogPin(t.Context(), fakes.Pin(int(written.Add(1)), "x")) == nil {
					continue
				}
			})
		}
		require.Eventually(t, func() bool { return written.Load() > 50 }, time.Minute, time.Millisecond)
		require.NoError(t, r.consensus.Shutdown(t.Context()))
		writers.Wait()
	})
}

// A consensus that was never started is stopped like any other.
func TestRealShutdownBeforeTheStart(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]crdt.BatchingConfig{"one by one": {}, "with batches": batching} {
		t.Run(name, func(t *testing.T) {
			r := &rig{t: t}
			inner, store := r.newCRDT(testHost(t, nil), batch)
			c := consensus.New(inner, consensus.Options{Store: store})
			require.NoError(t, c.Shutdown(t.Context()))
			require.NoError(t, c.Shutdown(t.Context()), "twice")
		})
	}
}
