package consensus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-datastore"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// wrapped returns a Consensus around a fake, with a datastore that counts.
func wrapped(t *testing.T, inner *fakeConsensus) (*Consensus, *syncCounter) {
	store := &syncCounter{}
	c := New(inner, Options{Store: store})
	inner.observe = c.Observe
	c.SetClient(nil)
	t.Cleanup(func() { require.NoError(t, c.Shutdown(context.Background())) })
	return c, store
}

// follower returns a Consensus around a fake of a Raft follower.
func follower(t *testing.T, inner *fakeConsensus) *Consensus {
	c := New(inner, Options{})
	inner.observe, inner.lags = c.Observe, true
	c.SetClient(nil)
	t.Cleanup(func() { require.NoError(t, c.Shutdown(context.Background())) })
	return c
}

// createdIn returns what the state has as a pin's `created`.
func createdIn(t *testing.T, s *fakes.State, i int) string {
	t.Helper()
	p, err := s.Get(t.Context(), fakes.CID(i))
	require.NoError(t, err)
	return p.Metadata[pinset.CreatedKey]
}

func TestCreated(t *testing.T) {
	const kept = "2020-07-27T17:32:28.276Z"
	with := func(p api.Pin, key, value string) api.Pin {
		p.Metadata = map[string]string{key: value}
		return p
	}
	expired := with(fakes.Pin(1, "old"), pinset.CreatedKey, kept)
	expired.ExpireAt = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	foreign := fakes.Pin(1, "old")
	foreign.Timestamp = time.Date(2021, 1, 2, 3, 4, 5, 0, time.UTC)
	derived := pinset.EncodeCreated(pinset.CreatedOf(nil, foreign.Timestamp, foreign.Cid.Cid))

	for name, tt := range map[string]struct {
		stored []api.Pin
		sent   api.Pin
		want   string // empty: now
	}{
		"a new pin":                         {nil, fakes.Pin(1, "new"), ""},
		"copied from another pin":           {nil, with(fakes.Pin(1, "new"), pinset.CreatedKey, kept), ""},
		"an update":                         {[]api.Pin{with(fakes.Pin(1, "old"), pinset.CreatedKey, kept)}, fakes.Pin(1, "new"), kept},
		"an update that brings another one": {[]api.Pin{with(fakes.Pin(1, "old"), pinset.CreatedKey, kept)}, with(fakes.Pin(1, "new"), pinset.CreatedKey, "2024-01-01T00:00:00.000Z"), kept},
		"a pin of another kind of peer":     {[]api.Pin{foreign}, fakes.Pin(1, "new"), derived},
		"an expired pin":                    {[]api.Pin{expired}, fakes.Pin(1, "new"), ""},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			inner := newFakeConsensus(tt.stored...)
			c, _ := wrapped(t, inner)
			sent := len(tt.sent.Metadata)
			start := time.Now()

			require.NoError(t, c.LogPin(t.Context(), tt.sent))

			require.Len(t, tt.sent.Metadata, sent, "the caller's map is not touched")
			got := createdIn(t, inner.memory, 1)
			if tt.want != "" {
				require.Equal(t, tt.want, got)
				return
			}
			created := pinset.CreatedOf(map[string]string{pinset.CreatedKey: got}, time.Time{}, fakes.CID(1).Cid)
			require.WithinRange(t, created, start, time.Now().Add(time.Second))
		})
	}
}

func TestOtherMetadataStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		c, _ := wrapped(t, inner)
		pin := fakes.Pin(1, "x")
		pin.Metadata = map[string]string{"app": "1"}
		require.NoError(t, c.LogPin(t.Context(), pin))
		stored, err := inner.Get(t.Context(), pin.Cid)
		require.NoError(t, err)
		require.Equal(t, "1", stored.Metadata["app"])
		require.Len(t, stored.Metadata, 2)
	})
}

func TestPinsThatCannotBeStored(t *testing.T) {
	for name, tt := range map[string]struct {
		size  int
		name  string
		valid bool
	}{
		"small":       {1000, "x", true},
		"nearly full": {maxPinSize - 200, "x", true},
		"too large":   {maxPinSize, "x", false},
		"not UTF-8":   {1, "\xff", false},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			inner := newFakeConsensus()
			c, _ := wrapped(t, inner)
			pin := fakes.Pin(1, tt.name)
			pin.Metadata = map[string]string{"m": strings.Repeat("x", tt.size)}
			err := c.LogPin(t.Context(), pin)
			if tt.valid {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.Zero(t, inner.writes.Load())
			if tt.size == maxPinSize {
				require.ErrorIs(t, err, pinset.ErrTooLarge)
				require.ErrorContains(t, err, pinset.ErrTooLarge.Error(), "an RPC leaves only the text")
			}
		})
	}
}

func TestWriteReturnsWhenItIsVisibleAndSynced(t *testing.T) {
	for name, tt := range map[string]struct {
		stored []api.Pin
		write  func(context.Context, *Consensus) error
		done   func(*fakes.State) bool
	}{
		"a new pin": {nil,
			func(ctx context.Context, c *Consensus) error { return c.LogPin(ctx, fakes.Pin(1, "new")) },
			func(s *fakes.State) bool { return len(s.Pins) == 1 }},
		"an update": {[]api.Pin{fakes.Pin(1, "old")},
			func(ctx context.Context, c *Consensus) error { return c.LogPin(ctx, fakes.Pin(1, "new")) },
			func(s *fakes.State) bool { return s.Pins[fakes.CID(1)].Name == "new" }},
		"a removal": {[]api.Pin{fakes.Pin(1, "old")},
			func(ctx context.Context, c *Consensus) error { return c.LogUnpin(ctx, fakes.Pin(1, "")) },
			func(s *fakes.State) bool { return len(s.Pins) == 0 }},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			inner := newFakeConsensus(tt.stored...)
			inner.delay = 3 * time.Second
			c, store := wrapped(t, inner)
			store.check = func() { require.True(t, tt.done(inner.memory), "synced before it was visible") }
			require.NoError(t, tt.write(t.Context(), c))
			require.EqualValues(t, 1, store.syncs.Load())
		})
	}
}

func TestRepinWithTheSameContentDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus(fakes.Pin(1, "same"))
		inner.delay = time.Second
		c := follower(t, inner)
		start := time.Now()
		require.NoError(t, c.LogPin(t.Context(), fakes.Pin(1, "same")))
		require.Zero(t, time.Since(start))
	})
}

func TestWriteThatIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		inner.delay = -1
		c := follower(t, inner)
		start := time.Now()
		err := c.LogPin(t.Context(), fakes.Pin(1, "x"))
		require.ErrorIs(t, err, pinset.ErrNotVisible)
		require.WithinDuration(t, start.Add(waitTimeout), time.Now(), 2*time.Second)
	})
}

func TestSomebodyElseWritesTheSameCID(t *testing.T) {
	for name, tt := range map[string]struct {
		raft  bool
		delay time.Duration // of our write
		want  string
		takes time.Duration
	}{
		"Raft, before our write is committed": {true, 500 * time.Millisecond, "ours", 500 * time.Millisecond},
		"Raft, in place of it":                {true, -1, "theirs", replacedAfter},
		"CRDT, where their value wins":        {false, -1, "theirs", 0},
		"CRDT, where our value wins":          {false, 0, "ours", 0},
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			inner := newFakeConsensus(fakes.Pin(1, "old"))
			inner.delay = tt.delay
			theirs := fakes.Pin(1, "theirs")
			inner.before = func(context.Context) { inner.commit(theirs.Cid, func() { inner.Put(theirs) }) }
			var c *Consensus
			if tt.raft {
				c = follower(t, inner)
			} else {
				c, _ = wrapped(t, inner)
			}
			c.clock.Next() // takes a second
			start := time.Now()
			require.NoError(t, c.LogPin(t.Context(), fakes.Pin(1, "ours")))
			require.Equal(t, tt.takes, time.Since(start))
			p, err := inner.Get(t.Context(), fakes.CID(1))
			require.NoError(t, err)
			require.Equal(t, tt.want, p.Name)
		})
	}
}

func TestClientThatGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		ctx, cancel := context.WithCancel(t.Context())
		var item context.Context
		inner.before = func(ctx context.Context) { item = ctx; cancel() }
		inner.delay = time.Second
		c, _ := wrapped(t, inner)
		require.NoError(t, c.LogPin(ctx, fakes.Pin(1, "x")))
		require.NoError(t, item.Err(), "a batch applies its item with this context")
	})
}

func TestWritesToOneCIDComeOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		inner.delay = 10 * time.Millisecond
		c, _ := wrapped(t, inner)
		c.clock.Next() // the first one sleeps, while others wait for a mutex
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if i%2 == 0 {
					require.NoError(t, c.LogPin(t.Context(), fakes.Pin(1, string(rune('a'+i)))))
				} else {
					require.NoError(t, c.LogPin(t.Context(), fakes.Pin(2, string(rune('a'+i)))))
				}
			})
		}
		wg.Wait()
		require.NotEqual(t, createdIn(t, inner.memory, 1), createdIn(t, inner.memory, 2))
		require.Empty(t, c.locks.locks)
	})
}

func TestShutdownEndsWaits(t *testing.T) {
	for name, prepare := range map[string]func(*fakeConsensus){
		"for the state":     func(f *fakeConsensus) { f.delay = -1 },
		"for the consensus": func(f *fakeConsensus) { <-f.readyC },
	} {
		fakes.Bubble(t, name, func(t *testing.T) {
			inner := newFakeConsensus()
			prepare(inner)
			c := follower(t, inner)
			c.clock.Next()
			failed := make(chan error, 1)
			go func() { failed <- c.LogPin(context.Background(), fakes.Pin(1, "x")) }()
			synctest.Wait()
			start := time.Now()
			require.NoError(t, c.Shutdown(t.Context()))
			require.ErrorContains(t, <-failed, "shutting down")
			require.Zero(t, time.Since(start))
			require.True(t, inner.stopped.Load())

			require.ErrorContains(t, c.LogPin(t.Context(), fakes.Pin(1, "x")), "shutting down")
		})
	}
}

func TestShutdownWaitsForABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		inner.delay = time.Second
		c, store := wrapped(t, inner)
		c.clock.Next()
		failed := make(chan error, 1)
		go func() { failed <- c.LogPin(context.Background(), fakes.Pin(1, "x")) }()
		synctest.Wait()
		require.NoError(t, c.Shutdown(t.Context()))
		require.NoError(t, <-failed)
		require.EqualValues(t, 1, store.syncs.Load())
	})
}

func TestShutdownBeforeItWasConnected(t *testing.T) {
	for name, store := range map[string]datastore.Datastore{"CRDT": &syncCounter{}, "Raft": nil} {
		fakes.Bubble(t, name, func(t *testing.T) {
			inner := newFakeConsensus()
			c := New(inner, Options{Store: store})
			start := time.Now()
			require.NoError(t, c.Shutdown(t.Context()))
			require.Zero(t, time.Since(start))
			require.True(t, inner.stopped.Load())
			require.False(t, inner.connected.Load())
		})
	}
}

func TestReadyIsForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		<-inner.readyC
		c, _ := wrapped(t, inner)
		synctest.Wait()
		select {
		case <-c.ReadyC():
			t.Fatal("too early")
		default:
		}
		inner.readyC <- struct{}{}
		<-c.ReadyC()
		<-c.Ready(t.Context())
		<-c.Ready(t.Context())
	})
}

func TestNotReadyInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		<-inner.readyC
		c, _ := wrapped(t, inner)
		require.ErrorContains(t, c.LogPin(t.Context(), fakes.Pin(1, "x")), "not ready")
		require.Zero(t, inner.writes.Load())
	})
}

func TestRaftCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		inner.before = func(ctx context.Context) { <-ctx.Done() } // a leader that is frozen
		c := New(inner, Options{})
		c.SetClient(nil)
		start := time.Now()
		require.ErrorIs(t, c.LogPin(t.Context(), fakes.Pin(1, "x")), context.DeadlineExceeded)
		require.WithinDuration(t, start.Add(waitTimeout), time.Now(), 2*time.Second)
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// On a full disk no write begins: databases end the process there.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus(fakes.Pin(1, "stored"))
		var full error
		c := New(inner, Options{Store: &syncCounter{}, Room: func() error { return full }})
		c.SetClient(nil)
		full = errors.New("1 MiB is left")
		for _, err := range []error{c.LogPin(t.Context(), fakes.Pin(2, "new")), c.LogUnpin(t.Context(), fakes.Pin(1, ""))} {
			require.ErrorIs(t, err, pinset.DiskFull(""))
			require.EqualError(t, err, "the disk is full: 1 MiB is left")
		}
		require.Len(t, inner.Pins, 1, "nothing was written")
		full = nil
		require.NoError(t, c.LogPin(t.Context(), fakes.Pin(2, "new")))
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// On a full disk of the IPFS node no pin is added, and everything else goes on:
// removing pins makes space.
func TestFullDiskOfTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus(fakes.Pin(1, "stored"))
		c := New(inner, Options{Store: &syncCounter{}, PinRoom: func(p api.Pin) error { return errors.New("no space for " + p.Name) }})
		c.SetClient(nil)
		err := c.LogPin(t.Context(), fakes.Pin(2, "new"))
		require.ErrorIs(t, err, pinset.DiskFull(""))
		require.ErrorContains(t, err, "no space for new")
		require.Len(t, inner.Pins, 1, "nothing was written")
		require.NoError(t, c.LogPin(t.Context(), fakes.Pin(1, "renamed")))
		require.NoError(t, c.LogUnpin(t.Context(), fakes.Pin(1, "")))
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// A full disk of the Raft leader is no reason to try again.
func TestFullDiskOfTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newFakeConsensus()
		inner.refuse = fmt.Errorf("leader: %s", pinset.DiskFull("1 MiB is left"))
		c := New(inner, Options{})
		c.SetClient(nil)
		start := time.Now()
		require.ErrorIs(t, c.LogPin(t.Context(), fakes.Pin(1, "x")), inner.refuse)
		require.Less(t, time.Since(start), waitTimeout/2)
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

func TestSyncFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, store := wrapped(t, newFakeConsensus())
		store.fail = errors.New("no space left on device")
		require.ErrorIs(t, c.LogPin(t.Context(), fakes.Pin(1, "x")), store.fail)
	})
}
