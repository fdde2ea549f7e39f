package consensus

import (
	"context"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/state"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Known is a consensus for the library's Cluster. Its state has the pin that an API of
// the peer has just read: see pinset.KnownState.
type Known struct{ ipfscluster.Consensus }

// State implements ipfscluster.Consensus.
func (k Known) State(ctx context.Context) (state.ReadOnly, error) {
	st, err := k.Consensus.State(ctx)
	if err != nil {
		return nil, err
	}
	return pinset.KnownState(ctx, st), nil
}
