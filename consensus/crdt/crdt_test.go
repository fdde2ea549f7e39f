package crdt

import (
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
)

// many is so many nodes that bitswap, which needs 20 ms for each, would take long.
const many = 2000

// TestCatchesUp: a peer that was away has everything soon after it is
// connected, without waiting for an announcement, and applies the oldest first.
func TestCatchesUp(t *testing.T) {
	t.Parallel()
	writer, reader := newRig(t, rigOptions{}), newRig(t, rigOptions{})
	names := writer.pin(0, many)
	reader.connect(writer)
	reader.gets(names, patient)
	require.Equal(t, names, reader.tracker.tracked())
}

// TestFollows: writes arrive while they are made, also by others than their
// writer, and deletions.
func TestFollows(t *testing.T) {
	t.Parallel()
	a, b, c := newRig(t, rigOptions{every: time.Second}), newRig(t, rigOptions{every: time.Second}), newRig(t, rigOptions{every: time.Second})
	b.connect(a)
	c.connect(b)
	names := a.pin(0, 100)
	names = append(names, b.pin(100, 200)...)
	names = append(names, c.pin(200, 300)...)
	for _, r := range []*rig{a, b, c} {
		r.gets(names, patient)
	}
	require.NoError(t, a.LogUnpin(t.Context(), api.PinCid(testCID(0))))
	for _, r := range []*rig{a, b, c} {
		r.gets(names[1:], patient)
		require.Contains(t, r.tracker.tracked(), "-"+testCID(0).String())
	}
}

// TestFork: two peers that were apart have written both.
func TestFork(t *testing.T) {
	t.Parallel()
	// An announcement is lost until gossip flows.
	a, b := newRig(t, rigOptions{every: time.Second}), newRig(t, rigOptions{every: time.Second})
	names := append(a.pin(0, 300), b.pin(300, 600)...)
	a.connect(b)
	a.gets(names, patient)
	b.gets(names, patient)
	names = append(names, a.pin(600, 601)...)
	b.gets(names, patient)
}

// TestLibrary: a peer of the library and one of ours tell each other all.
func TestLibrary(t *testing.T) {
	t.Parallel()
	theirs := newRig(t, rigOptions{library: true, every: time.Second})
	ours := newRig(t, rigOptions{every: time.Second})
	names := append(theirs.pin(0, 20), ours.pin(20, 40)...)
	ours.connect(theirs)
	ours.gets(names, patient)
	theirs.gets(names, patient)
	names = append(names, theirs.pin(40, 60)...)
	ours.gets(names, patient)
}

// TestKilledWhileCatchingUp: what is in the store at any moment is continued
// from there. With the newest first, the nodes below the applied ones would
// never be asked for.
func TestKilledWhileCatchingUp(t *testing.T) {
	t.Parallel()
	writer, held := newRig(t, rigOptions{}), make(chan struct{})
	killed := newRig(t, rigOptions{held: held})
	names := writer.pin(0, 50)
	killed.connect(writer)
	for range 10 {
		select {
		case held <- struct{}{}:
		case <-time.After(patient):
			t.Fatal("nothing arrives")
		}
	}
	again := newRig(t, rigOptions{store: copyStore(t, killed.store)})
	close(held)
	require.NotEmpty(t, again.names())
	require.Less(t, len(again.names()), len(names))
	again.connect(writer)
	again.gets(names, patient)
}

// TestTrust: nothing is heard of who is not trusted.
func TestTrust(t *testing.T) {
	t.Parallel()
	friend, stranger := newRig(t, rigOptions{every: time.Second}), newRig(t, rigOptions{every: time.Second})
	r := newRig(t, rigOptions{trusted: []peer.ID{friend.host.ID()}})
	require.True(t, r.IsTrustedPeer(t.Context(), r.host.ID()))
	require.True(t, r.IsTrustedPeer(t.Context(), friend.host.ID()))
	require.False(t, r.IsTrustedPeer(t.Context(), stranger.host.ID()))
	stranger.pin(0, 10)
	names := friend.pin(10, 20)
	r.connect(stranger)
	r.connect(friend)
	r.gets(names, patient)
	stranger.pin(20, 30)
	names = append(names, friend.pin(30, 40)...)
	r.gets(names, patient)

	require.NoError(t, r.Distrust(t.Context(), friend.host.ID()))
	require.False(t, r.IsTrustedPeer(t.Context(), friend.host.ID()))
}

func TestComponent(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	peers, err := r.Peers(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []peer.ID{"somebody", r.host.ID()}, peers)
	_, err = r.Leader(t.Context())
	require.Error(t, err)
	require.Error(t, r.RmPeer(t.Context(), "somebody"))
	require.NoError(t, r.AddPeer(t.Context(), "somebody"))
	require.NoError(t, r.WaitForSync(t.Context()))

	r.pin(0, 3)
	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, r.Clean(t.Context()))
	again := newRig(t, rigOptions{store: r.store})
	require.Empty(t, again.names())
}

func TestShutdownBeforeStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	o := r.Consensus.(*Replica).options
	idle, err := New(o)
	require.NoError(t, err)
	peers, err := idle.Peers(t.Context())
	require.NoError(t, err)
	require.Equal(t, []peer.ID{r.host.ID()}, peers)
	require.NoError(t, idle.Shutdown(t.Context()))
	_, err = idle.State(t.Context())
	require.ErrorIs(t, err, errStopped)
	require.ErrorIs(t, idle.LogPin(t.Context(), api.PinCid(testCID(1))), errStopped)
	require.ErrorIs(t, idle.LogUnpin(t.Context(), api.PinCid(testCID(1))), errStopped)
	idle.SetClient(nil) // too late
	require.NoError(t, idle.Shutdown(t.Context()))
}
