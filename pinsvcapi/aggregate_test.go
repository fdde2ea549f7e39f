package pinsvcapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// said makes what peers say out of their states.
func said(states ...pinset.State) []pinset.PeerStatus {
	out := make([]pinset.PeerStatus, len(states))
	for i, s := range states {
		out[i] = pinset.PeerStatus{Peer: fmt.Sprintf("peer%d", i+1), State: s}
	}
	return out
}

var allStates = []pinset.State{pinset.StateQueued, pinset.StatePinning, pinset.StatePinned, pinset.StateFailed}

func TestAggregateOnePeer(t *testing.T) {
	for s, want := range map[pinset.State]pinset.Status{
		pinset.StateQueued: pinset.StatusQueued, pinset.StatePinning: pinset.StatusPinning, pinset.StatePinned: pinset.StatusPinned, pinset.StateFailed: pinset.StatusFailed,
	} {
		require.Equal(t, want, pinset.Pin{}.Status(said(s)))
		require.Equal(t, want, pinset.Pin{ReplicationMin: -1}.Status(said(s)))
		require.Equal(t, want, pinset.Pin{ReplicationMin: 3}.Status(said(s)), "it cannot need more than there are")
	}
	require.Equal(t, pinset.StatusQueued, pinset.Pin{}.Status(nil))
}

// Two and three peers over every combination, against the sentence of the
// design.
func TestAggregateSeveralPeers(t *testing.T) {
	for _, least := range []int{-1, 1, 2, 3} {
		for _, a := range allStates {
			for _, b := range allStates {
				checkAggregate(t, least, a, b)
				for _, c := range allStates {
					checkAggregate(t, least, a, b, c)
				}
			}
		}
	}
}

func checkAggregate(t *testing.T, least int, states ...pinset.State) {
	t.Helper()
	has := func(s pinset.State) (n int) {
		for _, x := range states {
			if x == s {
				n++
			}
		}
		return n
	}
	need := least
	if need < 1 {
		need = 1
	}
	if need > len(states) {
		need = len(states)
	}
	want := pinset.StatusFailed
	if has(pinset.StateQueued) > 0 {
		want = pinset.StatusQueued
	}
	if has(pinset.StatePinning) > 0 {
		want = pinset.StatusPinning
	}
	if has(pinset.StatePinned) >= need {
		want = pinset.StatusPinned
	}
	if want == pinset.StatusFailed && has(pinset.StateFailed) == 0 {
		want = pinset.StatusQueued // some pinned, none at work: it waits for others
	}
	require.Equal(t, want, pinset.Pin{ReplicationMin: least}.Status(said(states...)), "min %d of %v", least, states)
}

// Each peer speaks of the shards that it has to pin.
func TestShardedRoot(t *testing.T) {
	everywhere, spread := pinset.Pin{Sharded: true, ReplicationMin: -1}, pinset.Pin{Sharded: true, ReplicationMin: 1}
	require.Equal(t, pinset.StatusPinned, everywhere.Status(said(pinset.StatePinned, pinset.StateQueued, pinset.StateFailed)))
	require.Equal(t, pinset.StatusFailed, everywhere.Status(said(pinset.StateFailed, pinset.StateFailed)))
	require.Equal(t, pinset.StatusPinned, spread.Status(said(pinset.StatePinned, pinset.StatePinned, pinset.StatePinned)))
	require.Equal(t, pinset.StatusQueued, spread.Status(said(pinset.StatePinned, pinset.StateQueued, pinset.StatePinned)))
	require.Equal(t, pinset.StatusPinning, spread.Status(said(pinset.StatePinned, pinset.StateQueued, pinset.StatePinning)))
	require.Equal(t, pinset.StatusFailed, spread.Status(said(pinset.StatePinned, pinset.StateFailed)))
	require.Equal(t, pinset.StatusQueued, spread.Status(nil))

	unheard := pinset.PeerStatus{State: pinset.StateQueued, Silent: true}
	require.Equal(t, pinset.StatusPinned, spread.Status(append(said(pinset.StatePinned), unheard)))
	require.Equal(t, pinset.StatusQueued, spread.Status([]pinset.PeerStatus{unheard}))
}

func TestDescribe(t *testing.T) {
	since := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	for name, tt := range map[string]struct {
		pin   pinset.Pin
		peers []pinset.PeerStatus
		want  string
	}{
		"pinned: nothing to say":  {pinset.Pin{}, said(pinset.StatePinned), ""},
		"all pinned: nothing":     {pinset.Pin{ReplicationMin: 2}, said(pinset.StatePinned, pinset.StatePinned), ""},
		"some pinned":             {pinset.Pin{ReplicationMin: 2}, said(pinset.StatePinned, pinset.StatePinned, pinset.StateQueued), "pinned on 2 of 3 peers"},
		"queued":                  {pinset.Pin{}, []pinset.PeerStatus{{State: pinset.StateQueued, Since: since}}, "queued since 2026-03-04T05:06:07Z"},
		"failed":                  {pinset.Pin{}, []pinset.PeerStatus{{State: pinset.StateFailed, Text: "no space", Attempts: 3}}, "failed: no space (attempt 3)"},
		"failed without a word":   {pinset.Pin{}, said(pinset.StateFailed), "failed: unknown error"},
		"pinning":                 {pinset.Pin{}, said(pinset.StatePinning), ""},
		"pinning with progress":   {pinset.Pin{}, []pinset.PeerStatus{{State: pinset.StatePinning, Text: "12 blocks, 3 MB so far"}}, "pinning: 12 blocks, 3 MB so far"},
		"one of two failed":       {pinset.Pin{ReplicationMin: 1}, []pinset.PeerStatus{{Peer: "x", State: pinset.StatePinned}, {Peer: "y", Name: "why", State: pinset.StateFailed, Text: "bad"}}, "pinned on 1 of 2 peers; why: failed: bad"},
		"a silent peer is named":  {pinset.Pin{}, []pinset.PeerStatus{{Peer: "x", State: pinset.StatePinned, Silent: true}}, "x: does not answer"},
		"its IPFS node is silent": {pinset.Pin{}, []pinset.PeerStatus{{Peer: "x", State: pinset.StatePinned, Text: "its IPFS node does not answer"}}, "its IPFS node does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			info := describe(tt.pin, tt.pin.Status(tt.peers), tt.peers)
			require.Equal(t, tt.want, info[infoDetails])
			require.Equal(t, tt.want == "", info == nil)
		})
	}
	info := describe(pinset.Pin{Expires: since}, pinset.StatusPinned, said(pinset.StatePinned))
	require.Equal(t, map[string]string{infoUntil: "2026-03-04T05:06:07Z"}, info)
}
