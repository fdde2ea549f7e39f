package pinsvcapi

import (
	"context"
	"errors"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// abruptCluster is a peer whose lists fail as the library's do while it is being
// stopped: some values, an error, and a channel that is left open.
type abruptCluster struct {
	values int
	err    error
}

// Pins implements the library's RPC method of that name.
func (a *abruptCluster) Pins(_ context.Context, in <-chan struct{}, out chan<- api.Pin) error {
	for range in {
	}
	for range a.values {
		out <- api.Pin{}
	}
	if a.err == nil {
		close(out)
	}
	return a.err
}

func TestStreamEndsWithTheCall(t *testing.T) {
	for _, a := range []*abruptCluster{{}, {values: 3}, {values: 2000}, {err: errors.New("stopping")}, {values: 3, err: errors.New("stopping")}} {
		server := rpc.NewServer(nil, fakeProtocol)
		require.NoError(t, server.RegisterName("Cluster", a))
		var c calls
		c.client.Store(rpc.NewClientWithServer(nil, fakeProtocol, server))
		seen := 0
		err := c.pins(t.Context(), func(api.Pin) { seen++ })
		if a.err != nil {
			require.ErrorContains(t, err, a.err.Error())
			continue
		}
		require.NoError(t, err)
		require.Equal(t, a.values, seen)
	}
}

// nearPeer is a LocalPeer of which only the state is asked.
type nearPeer struct {
	LocalPeer
	st  state.ReadOnly
	err error
}

func (p *nearPeer) State(context.Context) (state.ReadOnly, error) { return p.st, p.err }

// listedState is a state of a number of pins that may fail after them. Like
// the library's it waits until its values are taken, whatever has ended.
type listedState struct {
	state.ReadOnly
	values int
	err    error
}

func (l *listedState) List(_ context.Context, out chan<- api.Pin) error {
	defer close(out)
	for range l.values {
		out <- api.Pin{}
	}
	return l.err
}

// near returns calls of a peer that is at hand.
func near(p *nearPeer) *calls {
	c := &calls{local: p}
	c.client.Store(rpc.NewClientWithServer(nil, fakeProtocol, rpc.NewServer(nil, fakeProtocol)))
	return c
}

func TestPinsOfTheOwnState(t *testing.T) {
	for _, l := range []*listedState{{}, {values: 3}, {values: 5000}, {err: state.ErrNotFound}, {values: 3, err: state.ErrNotFound}} {
		seen := 0
		err := near(&nearPeer{st: l}).pins(t.Context(), func(api.Pin) { seen++ })
		require.Equal(t, l.values, seen)
		if l.err != nil {
			require.ErrorIs(t, err, pinset.ErrNotFound)
			continue
		}
		require.NoError(t, err)
	}
	err := near(&nearPeer{err: errors.New("the peer is shutting down")}).pins(t.Context(), nil)
	require.ErrorContains(t, err, "stopping")
}

func TestPinsOfTheOwnStateEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	err := near(&nearPeer{st: &listedState{values: 5000}}).pins(ctx, func(api.Pin) {
		seen++
		cancel()
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, seen)
}
