package pinsvcapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// said makes what peers say out of their states.
func said(states ...State) []PeerStatus {
	out := make([]PeerStatus, len(states))
	for i, s := range states {
		out[i] = PeerStatus{Peer: fmt.Sprintf("peer%d", i+1), State: s}
	}
	return out
}

var allStates = []State{StateQueued, StatePinning, StatePinned, StateFailed}

func TestAggregateOnePeer(t *testing.T) {
	for s, want := range map[State]Status{
		StateQueued: StatusQueued, StatePinning: StatusPinning, StatePinned: StatusPinned, StateFailed: StatusFailed,
	} {
		require.Equal(t, want, aggregate(Pin{}, said(s)))
		require.Equal(t, want, aggregate(Pin{ReplicationMin: -1}, said(s)))
		require.Equal(t, want, aggregate(Pin{ReplicationMin: 3}, said(s)), "it cannot need more than there are")
	}
	require.Equal(t, StatusQueued, aggregate(Pin{}, nil))
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

func checkAggregate(t *testing.T, least int, states ...State) {
	t.Helper()
	has := func(s State) (n int) {
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
	want := StatusFailed
	if has(StateQueued) > 0 {
		want = StatusQueued
	}
	if has(StatePinning) > 0 {
		want = StatusPinning
	}
	if has(StatePinned) >= need {
		want = StatusPinned
	}
	if want == StatusFailed && has(StateFailed) == 0 {
		want = StatusQueued // some pinned, none at work: it waits for others
	}
	require.Equal(t, want, aggregate(Pin{ReplicationMin: least}, said(states...)), "min %d of %v", least, states)
}

// Each peer speaks of the shards that it has to pin.
func TestShardedRoot(t *testing.T) {
	everywhere, spread := Pin{Sharded: true, ReplicationMin: -1}, Pin{Sharded: true, ReplicationMin: 1}
	require.Equal(t, StatusPinned, aggregate(everywhere, said(StatePinned, StateQueued, StateFailed)))
	require.Equal(t, StatusFailed, aggregate(everywhere, said(StateFailed, StateFailed)))
	require.Equal(t, StatusPinned, aggregate(spread, said(StatePinned, StatePinned, StatePinned)))
	require.Equal(t, StatusQueued, aggregate(spread, said(StatePinned, StateQueued, StatePinned)))
	require.Equal(t, StatusPinning, aggregate(spread, said(StatePinned, StateQueued, StatePinning)))
	require.Equal(t, StatusFailed, aggregate(spread, said(StatePinned, StateFailed)))
	require.Equal(t, StatusQueued, aggregate(spread, nil))

	unheard := PeerStatus{State: StateQueued, Silent: true}
	require.Equal(t, StatusPinned, aggregate(spread, append(said(StatePinned), unheard)))
	require.Equal(t, StatusQueued, aggregate(spread, []PeerStatus{unheard}))
}

func TestDescribe(t *testing.T) {
	since := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	for name, tt := range map[string]struct {
		pin   Pin
		peers []PeerStatus
		want  string
	}{
		"pinned: nothing to say":  {Pin{}, said(StatePinned), ""},
		"all pinned: nothing":     {Pin{ReplicationMin: 2}, said(StatePinned, StatePinned), ""},
		"some pinned":             {Pin{ReplicationMin: 2}, said(StatePinned, StatePinned, StateQueued), "pinned on 2 of 3 peers"},
		"queued":                  {Pin{}, []PeerStatus{{State: StateQueued, Since: since}}, "queued since 2026-03-04T05:06:07Z"},
		"failed":                  {Pin{}, []PeerStatus{{State: StateFailed, Text: "no space", Attempts: 3}}, "failed: no space (attempt 3)"},
		"failed without a word":   {Pin{}, said(StateFailed), "failed: unknown error"},
		"pinning":                 {Pin{}, said(StatePinning), ""},
		"pinning with progress":   {Pin{}, []PeerStatus{{State: StatePinning, Text: "12 blocks, 3 MB so far"}}, "pinning: 12 blocks, 3 MB so far"},
		"one of two failed":       {Pin{ReplicationMin: 1}, []PeerStatus{{Peer: "x", State: StatePinned}, {Peer: "y", Name: "why", State: StateFailed, Text: "bad"}}, "pinned on 1 of 2 peers; why: failed: bad"},
		"a silent peer is named":  {Pin{}, []PeerStatus{{Peer: "x", State: StatePinned, Silent: true}}, "x: does not answer"},
		"its IPFS node is silent": {Pin{}, []PeerStatus{{Peer: "x", State: StatePinned, Text: "its IPFS node does not answer"}}, "its IPFS node does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			info := describe(tt.pin, aggregate(tt.pin, tt.peers), tt.peers)
			require.Equal(t, tt.want, info[infoDetails])
			require.Equal(t, tt.want == "", info == nil)
		})
	}
	info := describe(Pin{Expires: since}, StatusPinned, said(StatePinned))
	require.Equal(t, map[string]string{infoUntil: "2026-03-04T05:06:07Z"}, info)
}
