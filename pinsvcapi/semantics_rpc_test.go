package pinsvcapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// What the adapter makes of a cluster, from the request down to gorpc.

// everywhere is a pin of all members, created a minute ago.
func everywhere(c cid.Cid) api.Pin {
	p := api.PinWithOpts(api.NewCid(c), api.PinOptions{ReplicationFactorMin: -1, ReplicationFactorMax: -1})
	p.Timestamp = time.Now().Add(-time.Minute)
	return p
}

// on is a pin that needs least of the given peers.
func on(c cid.Cid, least int, peers ...*rpcPeer) api.Pin {
	p := everywhere(c)
	p.ReplicationFactorMin, p.ReplicationFactorMax = least, len(peers)
	for _, at := range peers {
		p.Allocations = append(p.Allocations, at.id)
	}
	return p
}

// trackerStatuses are all that a tracker can say of a pin in one word, and
// what counts (openapi.yaml, schema Status).
var trackerStatuses = map[api.TrackerStatus]string{
	api.TrackerStatusUndefined:            "queued",
	api.TrackerStatusPinError:             "failed",
	api.TrackerStatusUnpinError:           "queued",
	api.TrackerStatusPinned:               "pinned",
	api.TrackerStatusPinning:              "pinning",
	api.TrackerStatusUnpinning:            "queued",
	api.TrackerStatusUnpinned:             "queued",
	api.TrackerStatusRemote:               "", // does not count
	api.TrackerStatusPinQueued:            "queued",
	api.TrackerStatusUnpinQueued:          "queued",
	api.TrackerStatusSharded:              "pinned",
	api.TrackerStatusUnexpectedlyUnpinned: "queued",
}

// One to three peers, every pair of tracker statuses, every minimum.
func TestStatusOverEveryPairOfTrackerStatuses(t *testing.T) {
	f := newRPCFake(t, 3)
	a := f.newAPI(t)
	c := testCID(1)
	check := func(least int, statuses ...api.TrackerStatus) {
		ref := refPin{need: least}
		f.store(t, on(c, least, f.peers[:len(statuses)]...))
		for i, s := range statuses {
			f.peers[i].says(c, s)
			if word := trackerStatuses[s]; word != "" {
				ref.words = append(ref.words, word)
			}
		}
		want := ref.status()
		if len(ref.words) < least { // it was given to somebody else, or is about to be
			ref.need = max(1, len(ref.words))
			if want = ref.status(); len(ref.words) == 0 {
				want = "queued"
			}
		}
		got := a.pin(http.MethodGet, "/pins/"+c.String(), "")
		require.Equal(t, want, string(got.Status), "at least %d of %v", least, statuses)
	}
	for one := range trackerStatuses {
		check(1, one)
		for two := range trackerStatuses {
			check(1, one, two)
			check(2, one, two)
			for _, least := range []int{1, 2, 3} {
				check(least, one, two, api.TrackerStatusPinned)
				check(least, one, two, api.TrackerStatusPinError)
			}
		}
	}
}

func TestDetailsNameErrorsAndAttempts(t *testing.T) {
	f := newRPCFake(t, 2)
	a := f.newAPI(t)
	c := testCID(1)
	f.store(t, on(c, 2, f.peers...))
	f.peers[0].says(c, api.TrackerStatusPinned)
	f.peers[1].set(func() {
		f.peers[1].ops[c] = api.PinInfo{Cid: api.NewCid(c), PinInfoShort: api.PinInfoShort{
			PeerName: "second", Status: api.TrackerStatusPinError, Error: " no space \n", AttemptCount: 3,
		}}
	})
	got := a.pin(http.MethodGet, "/pins/"+c.String(), "")
	require.Equal(t, pinset.StatusFailed, got.Status)
	require.Equal(t, map[string]string{infoDetails: "pinned on 1 of 2 peers; second: failed: no space (attempt 3)"}, got.Info)
}

// Row "trouble in the cluster": a silent peer, one that refuses as well as one
// that is frozen, costs neither the answer nor the other peers' part of it.
func TestSilentPeers(t *testing.T) {
	for name, silence := range map[string]func(*rpcPeer){
		"it refuses":   func(p *rpcPeer) { p.refuses = errors.New("no") },
		"it is frozen": func(p *rpcPeer) { p.frozen = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newRPCFake(t, 3)
			a := f.newAPI(t)
			pinned, queued, failed, unseen := testCID(1), testCID(2), testCID(3), testCID(4)
			bad := f.peers[2]
			f.store(t, on(pinned, 1, bad), on(queued, 1, bad), on(failed, 1, bad), on(testCID(5), 2, f.peers...))
			bad.says(queued, api.TrackerStatusPinning)
			bad.says(failed, api.TrackerStatusPinError)
			require.Equal(t, 4, a.list("status=queued,pinning,pinned,failed").Count)

			bad.set(func() { silence(bad) })
			later := on(unseen, 1, bad)
			later.Timestamp = time.Now().Add(2 * time.Second) // it cannot have spoken of it
			f.store(t, later)

			queries := func() int { return bad.count("Status") + bad.count("StatusAll") }
			before := queries()
			for c, want := range map[cid.Cid]pinset.Status{
				pinned: pinset.StatusPinned, queued: pinset.StatusPinning, failed: pinset.StatusFailed, unseen: pinset.StatusQueued,
				testCID(5): pinset.StatusPinned,
			} {
				got := a.pin(http.MethodGet, "/pins/"+c.String(), "")
				require.Equal(t, want, got.Status, c)
				require.Contains(t, got.Info[infoDetails], "does not answer")
			}
			list := a.list("status=queued,pinning,pinned,failed")
			require.Equal(t, 5, list.Count)
			require.Len(t, list.Results, 5)
			for word, want := range map[string]int{"pinned": 2, "pinning": 1, "failed": 1, "queued": 1} {
				require.Equal(t, want, a.list("status="+word).Count, word)
			}
			if bad.frozen {
				require.Equal(t, before+1, queries(), "a peer that is late is not queried again at once")
			}

			bad.set(func() { bad.frozen, bad.refuses = false, nil })
			f.adapter(a.handler.(*API)).reports.now = func() time.Time { return time.Now().Add(backoff) }
			got := a.pin(http.MethodGet, "/pins/"+unseen.String(), "")
			require.Equal(t, pinset.StatusPinned, got.Status, "it is asked again")
			require.Nil(t, got.Info)
			require.Equal(t, 3, a.list("status=pinned").Count)
		})
	}
}

// A peer that was late for one pin is left alone for a while. What it has not
// pinned is not known then, and nothing is made up about it.
func TestPeerThatWasNeverHeard(t *testing.T) {
	f := newRPCFake(t, 2)
	a := f.newAPI(t)
	c := testCID(1)
	f.store(t, on(c, 1, f.peers[1]))
	f.peers[1].set(func() { f.peers[1].frozen = true })
	require.Equal(t, pinset.StatusQueued, a.pin(http.MethodGet, "/pins/"+c.String(), "").Status)
	require.Equal(t, 0, a.list("status=pinned").Count)
	require.Equal(t, 1, a.list("status=queued").Count)
	require.Len(t, a.list("status=queued").Results, 1)
}

// What a peer said of a single pin is remembered, too.
func TestLastWordOfASilentPeer(t *testing.T) {
	f := newRPCFake(t, 2)
	a := f.newAPI(t)
	words := map[cid.Cid]api.TrackerStatus{
		testCID(1): api.TrackerStatusPinned, testCID(2): api.TrackerStatusPinning, testCID(3): api.TrackerStatusPinError,
	}
	for c, word := range words {
		f.store(t, on(c, 1, f.peers[1]))
		f.peers[1].says(c, word)
		a.pin(http.MethodGet, "/pins/"+c.String(), "")
	}
	f.peers[1].set(func() { f.peers[1].refuses = errors.New("no") })
	for c, word := range words {
		got := a.pin(http.MethodGet, "/pins/"+c.String(), "")
		require.Equal(t, trackerStatuses[word], string(got.Status))
		require.Contains(t, got.Info[infoDetails], "does not answer")
	}
}

// A peer that has left, or is down for long, is no member any more. Its pins
// are as they were when it was last heard.
func TestPeerThatIsNoMember(t *testing.T) {
	f := newRPCFake(t, 3)
	a := f.newAPI(t)
	held, waiting := testCID(1), testCID(2)
	gone := f.peers[2]
	f.store(t, on(held, 1, gone), on(waiting, 1, gone))
	gone.says(waiting, api.TrackerStatusPinQueued)
	require.Equal(t, 1, a.list("status=queued").Count)
	f.mu.Lock()
	f.members = slices.DeleteFunc(f.members, func(p peer.ID) bool { return p == gone.id })
	f.mu.Unlock()
	gone.set(func() { gone.refuses = errors.New("gone") })

	require.Equal(t, pinset.StatusPinned, a.pin(http.MethodGet, "/pins/"+held.String(), "").Status)
	require.Equal(t, pinset.StatusQueued, a.pin(http.MethodGet, "/pins/"+waiting.String(), "").Status)
	require.Equal(t, []string{held.String()}, ids(a.list("status=pinned")))
	require.Equal(t, 1, a.list("status=pinned").Count)
	require.Equal(t, []string{waiting.String()}, ids(a.list("status=queued")))

	// Of a peer that was never heard nothing is known.
	stranger := on(testCID(3), 1, gone)
	id, err := peer.Decode(strings.TrimPrefix(aPeer, "/p2p/"))
	require.NoError(t, err)
	stranger.Allocations = []peer.ID{id}
	f.store(t, stranger)
	require.Equal(t, 2, a.list("status=queued").Count)
	require.Equal(t, 1, a.list("status=pinned").Count)
	require.Equal(t, pinset.StatusQueued, a.pin(http.MethodGet, "/pins/"+testCID(3).String(), "").Status)
}

// A pin waits while its IPFS node is away, it does not fail.
func TestIPFSNodeIsAway(t *testing.T) {
	f := newRPCFake(t, 1)
	a := f.newAPI(t)
	pinned, queued := testCID(1), testCID(2)
	f.store(t, everywhere(pinned), everywhere(queued))
	f.peers[0].says(queued, api.TrackerStatusPinQueued)
	require.Equal(t, 2, a.list("status=queued,pinned").Count)
	f.peers[0].set(func() { f.peers[0].ipfsDown = true })

	got := a.pin(http.MethodGet, "/pins/"+pinned.String(), "")
	require.Equal(t, pinset.StatusPinned, got.Status)
	require.Contains(t, got.Info[infoDetails], "IPFS node does not answer")
	require.Equal(t, pinset.StatusQueued, a.pin(http.MethodGet, "/pins/"+queued.String(), "").Status)
}

// Only the peers of a pin are asked about it.
func TestOnlyThePinsPeersAreAsked(t *testing.T) {
	f := newRPCFake(t, 3)
	a := f.newAPI(t)
	f.store(t, on(testCID(1), 1, f.peers[0]))
	a.pin(http.MethodGet, "/pins/"+testCID(1).String(), "")
	require.Equal(t, []int{1, 0, 0}, []int{f.peers[0].count("Status"), f.peers[1].count("Status"), f.peers[2].count("Status")})
}

// A peer that has just been started does not know yet which of its pins are
// held: its pins are asked for one by one.
func TestPeerThatHasNotComparedItsPins(t *testing.T) {
	f := newRPCFake(t, 2)
	a := f.newAPI(t)
	missing, held, elsewhere := testCID(1), testCID(2), testCID(3)
	f.store(t, on(missing, 1, f.peers[1]), on(held, 1, f.peers[1]), on(elsewhere, 1, f.peers[0]))
	f.peers[1].says(missing, api.TrackerStatusUnexpectedlyUnpinned) // which is in no memory
	f.peers[1].set(func() { f.peers[1].unsure = true })
	require.Equal(t, []string{missing.String()}, ids(a.list("status=queued")))
	require.ElementsMatch(t, []string{held.String(), elsewhere.String()}, ids(a.list("status=pinned")))
}

// Errors of a cluster that accepts no write now, or never.
func TestWritesThatAreRefused(t *testing.T) {
	c := testCID(1).String()
	for name, tt := range map[string]struct {
		change func(*rpcFake)
		status int
		reason string
	}{
		"follower mode":  {func(f *rpcFake) { f.follower = true }, 403, "READ_ONLY"},
		"too few peers":  {func(f *rpcFake) { f.members = f.members[:1] }, 503, "UNAVAILABLE"},
		"too large":      {func(f *rpcFake) { f.pinFails = fmt.Errorf("storing: %w", pinset.ErrTooLarge) }, 413, "TOO_LARGE"},
		"not visible":    {func(f *rpcFake) { f.pinFails = pinset.ErrNotVisible }, 503, "UNAVAILABLE"},
		"queue is full":  {func(f *rpcFake) { f.pinFails = errors.New("batching max_queue_size reached") }, 503, "UNAVAILABLE"},
		"disk is full":   {func(f *rpcFake) { f.pinFails = errors.New("write 000012.log: no space left on device") }, 503, "DISK_FULL"},
		"almost full":    {func(f *rpcFake) { f.pinFails = fmt.Errorf("storing: %w", pinset.DiskFull("1 B is left")) }, 503, "DISK_FULL"},
		"no leader":      {func(f *rpcFake) { f.pinFails = errors.New("timed out waiting for leader: context deadline exceeded") }, 503, "UNAVAILABLE"},
		"stopping":       {func(f *rpcFake) { f.pinFails = errors.New("shutting down. Pin could not be batched") }, 503, "UNAVAILABLE"},
		"late":           {func(f *rpcFake) { f.pinFails = context.DeadlineExceeded }, 503, "UNAVAILABLE"},
		"something else": {func(f *rpcFake) { f.pinFails = errors.New("secret path /etc") }, 500, "INTERNAL_SERVER_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newRPCFake(t, 2)
			a := f.newAPI(t)
			f.store(t, on(testCID(1), 2, f.peers...))
			f.mu.Lock()
			tt.change(f)
			f.mu.Unlock()
			for _, target := range []string{"/pins", "/pins/" + c} {
				rec := a.record(http.MethodPost, target, `{"cid":"`+c+`","name":"new"}`)
				require.Equal(t, tt.status, rec.Code, rec.Body.String())
				require.Contains(t, rec.Body.String(), `"reason":"`+tt.reason+`"`)
				require.NotContains(t, rec.Body.String(), "secret")
			}
			require.Empty(t, f.stored(t, testCID(1)).Name, "nothing was written")
			if f.follower {
				code, _ := a.do(http.MethodDelete, "/pins/"+c, "")
				require.Equal(t, tt.status, code)
			}
		})
	}
}

// A write that the local state does not show in time may still happen: a 503,
// not a success that a GET denies.
func TestWriteThatDoesNotShow(t *testing.T) {
	f := newRPCFake(t, 1)
	a := f.newAPI(t)
	gone := testCID(2)
	f.store(t, everywhere(gone))
	for _, rq := range [][3]string{
		{http.MethodPost, "/pins", `{"cid":"` + testCID(1).String() + `"}`},
		{http.MethodDelete, "/pins/" + gone.String(), ""},
	} {
		f.mu.Lock()
		f.lag = 1 << 30
		f.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		req := httptest.NewRequestWithContext(ctx, rq[0], rq[1], strings.NewReader(rq[2]))
		rec := httptest.NewRecorder()
		a.handler.ServeHTTP(rec, req)
		checkContract(t, rq[0], rq[1], rq[2], rec)
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		require.Contains(t, rec.Body.String(), "does not show it yet")
	}
}

// Until the component has its peer, and while the cluster has no members,
// nothing is denied that may be there.
func TestNoPeerYet(t *testing.T) {
	handler, err := New(DefaultConfig())
	require.NoError(t, err)
	without := &testAPI{t: t, handler: handler}
	f := newRPCFake(t, 1)
	f.members = nil
	f.store(t, everywhere(testCID(1)))
	c := testCID(1).String()
	for _, a := range []*testAPI{without, f.newAPI(t)} {
		for _, target := range []string{"/pins", "/pins?cid=" + c, "/pins/" + c} {
			rec := a.record(http.MethodGet, target, "")
			require.Equal(t, http.StatusServiceUnavailable, rec.Code, target)
			require.NotEmpty(t, rec.Header().Get("Retry-After"))
		}
	}
	code, _ := without.do(http.MethodPost, "/pins", `{"cid":"`+c+`"}`)
	require.Equal(t, http.StatusServiceUnavailable, code)
}

// Delegates are the IPFS nodes of the pin's peers, of each some; they are asked
// for once, and not while the peer is silent.
func TestDelegatesOfThePinsPeers(t *testing.T) {
	f := newRPCFake(t, 3)
	a := f.newAPI(t)
	address := func(i, n int) string { return fmt.Sprintf("/ip4/1.2.%d.%d/tcp/4001", i, n) }
	for i, p := range f.peers {
		p.set(func() {
			p.ipfs.Addresses = nil
			for n := range 15 {
				p.ipfs.Addresses = append(p.ipfs.Addresses, api.NewMultiaddrWithValue(multiaddr.StringCast(address(i, n))))
			}
		})
	}
	c := testCID(1)
	f.store(t, on(c, 1, f.peers[1], f.peers[2]))
	for range 3 {
		got := a.pin(http.MethodGet, "/pins/"+c.String(), "")
		require.Len(t, got.Delegates, maxDelegates)
		for n := range maxDelegates / 2 {
			for i := 1; i <= 2; i++ {
				require.Contains(t, got.Delegates, address(i, n)+"/p2p/"+f.peers[i].id.String())
			}
		}
	}
	require.Equal(t, 1, f.peers[1].count("ID"))

	f.peers[1].set(func() { f.peers[1].refuses = errors.New("no") })
	forget(f.adapter(a.handler.(*API)).ids)
	require.Len(t, a.pin(http.MethodGet, "/pins/"+c.String(), "").Delegates, 15, "only those of the other one")
	require.Equal(t, 1, f.peers[1].count("ID"))
}

// A peer that was late with the status is not waited for a second time, and is no
// delegate while another one is: clients wait seconds for each that is silent.
func TestDelegatesOfAFrozenPeer(t *testing.T) {
	for name, known := range map[string]bool{"known": true, "unknown": false} {
		t.Run(name, func(t *testing.T) {
			f := newRPCFake(t, 3)
			a := f.newAPI(t)
			frozen := f.peers[2]
			c := testCID(1)
			f.store(t, on(c, 1, f.peers[1], frozen))
			if known {
				a.pin(http.MethodGet, "/pins/"+c.String(), "")
				forget(f.adapter(a.handler.(*API)).ids)
			}
			frozen.set(func() { frozen.frozen = true })
			status, ids := frozen.count("Status"), frozen.count("ID")
			got := a.pin(http.MethodGet, "/pins/"+c.String(), "")
			require.Equal(t, status+1, frozen.count("Status"))
			require.Equal(t, ids, frozen.count("ID"), "it is not waited for a second time")
			require.Equal(t, delegatesOf(f.peers[1]), got.Delegates)
		})
	}
}

// delegatesOf returns the addresses of a fake peer's IPFS node.
func delegatesOf(peers ...*rpcPeer) (list []string) {
	for _, p := range peers {
		list = append(list, "/ip4/203.0.113.7/tcp/4001/p2p/"+p.id.String())
	}
	return list
}

// Of a peer that refuses to answer, that is gone, or whose IPFS node is late, the
// addresses are those of last resort.
func TestDelegatesOfSilentPeers(t *testing.T) {
	f := newRPCFake(t, 3)
	a := f.newAPI(t)
	one, two := f.peers[1], f.peers[2]
	both, alone := testCID(1), testCID(2)
	f.store(t, on(both, 1, one, two))
	f.store(t, on(alone, 1, two))
	get := func(c cid.Cid) []string { return a.pin(http.MethodGet, "/pins/"+c.String(), "").Delegates }
	require.Equal(t, delegatesOf(one, two), get(both))
	require.Equal(t, delegatesOf(two), get(alone))

	two.set(func() { two.refuses = errors.New("no") })
	require.Equal(t, delegatesOf(one), get(both))
	require.Equal(t, delegatesOf(two), get(alone), "nobody else has the pin")
	one.set(func() { one.refuses = errors.New("no") })
	require.Equal(t, delegatesOf(one, two), get(both), "never empty")
	two.set(func() { two.refuses = nil })
	require.Equal(t, delegatesOf(two), get(both))
}

// forget makes a book ask again.
func forget(b *addressBook) {
	b.now = func() time.Time { return time.Now().Add(time.Hour) }
}

// When no address of the pin's peers is known, others stand in, since clients
// give up on an empty list.
func TestDelegatesOfOtherMembers(t *testing.T) {
	f := newRPCFake(t, 2)
	f.peers[1].set(func() { f.peers[1].ipfs = api.IPFSID{} })
	f.store(t, on(testCID(1), 1, f.peers[1]))
	got := f.newAPI(t).pin(http.MethodGet, "/pins/"+testCID(1).String(), "")
	require.Equal(t, []string{"/ip4/203.0.113.7/tcp/4001/p2p/" + f.peers[0].id.String()}, got.Delegates)
}

// Pins that were made by other means may have more than this API lets in. Its
// answers keep to the bounds all the same.
func TestPinsOfOtherWaysKeepToTheBounds(t *testing.T) {
	f := newRPCFake(t, 1)
	a := f.newAPI(t)
	p := everywhere(testCID(1))
	p.Name = strings.Repeat("漢", maxName+1)
	for i := range 2 * maxOrigins {
		addr, err := api.NewMultiaddr(fmt.Sprintf("/ip4/1.2.3.%d/tcp/4001%s", i/2, aPeer))
		require.NoError(t, err)
		p.Origins = append(p.Origins, addr)
	}
	p.Metadata = make(map[string]string)
	for i := range maxMeta + 1 {
		p.Metadata[fmt.Sprint(i)] = ""
	}
	f.store(t, p)
	got := a.pin(http.MethodGet, "/pins/"+testCID(1).String(), "")
	require.Equal(t, strings.Repeat("漢", maxName), got.Pin.Name)
	require.Len(t, got.Pin.Origins, maxOrigins)
	require.Len(t, got.Pin.Meta, maxMeta)
}

// The walk of 5,000 pins, over a state that has no order.
func TestWalkOf5000OverRPC(t *testing.T) {
	f := newRPCFake(t, 1)
	a := f.newAPI(t)
	want := make(map[string]bool)
	for i := range 5000 {
		f.store(t, everywhere(testCID(i))) // of one minute ago: created is derived
		want[testCID(i).String()] = true
	}
	seen := walkAll(t, a, "limit=500")
	require.Len(t, seen, len(want))
	for _, id := range seen {
		require.True(t, want[id])
		delete(want, id)
	}
}
