package crdt

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// An attempt with bitswap ends when no node has come for so long: a first
	// one, and further ones.
	firstPatience = 2 * time.Second
	againPatience = 30 * time.Second
)

// walk fetches absent nodes and their ancestors with bitswap, one generation
// after the other: from peers that cannot be asked for many. It returns the
// nodes that are absent after that.
func (f *fetcher) walk(ctx context.Context, got *fetched, wanted []cid.Cid, from peer.ID, again bool) ([]cid.Cid, error) {
	patience := firstPatience
	if again {
		patience = againPatience
	}
	session := f.dag.Session(ctx)
	var absent []cid.Cid
	for len(wanted) > 0 {
		came := f.generation(ctx, session, wanted, patience)
		rest := wanted[:0:0]
		for _, c := range wanted {
			if came.Has(c) {
				rest = append(rest, c)
			} else {
				absent = append(absent, c)
			}
		}
		var err error
		if wanted, err = f.descend(ctx, got.nodes, rest); err != nil {
			return nil, err
		}
	}
	// The peer has announced them, and is there, and does not send them.
	if len(absent) > 0 && again && !speaks(f.host, from) && f.host.Network().Connectedness(from) == network.Connected {
		got.lacking = true
	}
	return absent, nil
}

// generation fetches nodes until all are here or none has come for as long as
// patience says. It returns the CIDs of those that came.
func (f *fetcher) generation(ctx context.Context, session ipld.NodeGetter, wanted []cid.Cid, patience time.Duration) *cid.Set {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(patience, cancel)
	defer idle.Stop()
	came := cid.NewSet()
	for node := range session.GetMany(ctx, wanted) {
		if node.Err == nil {
			idle.Reset(patience)
			came.Add(node.Node.Cid())
		}
	}
	return came
}
