package restapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/ipfs-cluster/ipfs-cluster/adder"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/verifcid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/ipfs-cluster/pinsvc/internal/clusterrpc"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// admit returns an error when an upload would fail whatever its content, before it is
// read: the peer is in follower mode, no pin can have the options, there are too few
// peers, or disks are full.
func (c *rpcCluster) admit(ctx context.Context, params api.AddParams) error {
	if err := checkTogether(params); err != nil {
		return err
	}
	if c.room != nil && !params.NoPin {
		if err := c.room(); err != nil {
			return &pinset.Error{Kind: pinset.KindDiskFull, Details: pinset.DiskFull(err.Error()).Error(), Cause: err}
		}
	}
	peers, err := c.allocate(ctx, params)
	if err != nil {
		return err
	}
	return c.full(ctx, peers, leastRoom, nil)
}

// checkTogether checks the parameters of an upload that depend on each other.
func checkTogether(params api.AddParams) error {
	code, known := multihash.Names[strings.ToLower(params.HashFun)]
	if known && !verifcid.DefaultAllowlist.IsAllowed(code) {
		return pinset.Invalid("hash", "%s is none that IPFS nodes pin", params.HashFun)
	}
	if params.Shard && params.NoPin {
		return pinset.Invalid("no-pin", "a sharded add is pinned part by part")
	}
	if params.Wrap && params.Format == "car" {
		return pinset.Invalid("wrap-with-directory", "a CAR cannot be wrapped")
	}
	return nil
}

const (
	// firstPing bounds the wait of a peer that has just started for the first ping
	// of a peer that accepts blocks: its own, if there is no other.
	firstPing      = 10 * time.Second
	firstPingPause = 50 * time.Millisecond
)

// allocate returns the peers that the blocks of an upload would be sent to. A sharded
// add needs at least one.
func (c *rpcCluster) allocate(ctx context.Context, params api.AddParams) ([]peer.ID, error) {
	params.Mode = api.PinModeRecursive
	pin := api.PinWithOpts(api.CidUndef, params.PinOptions)
	for start := time.Now(); ; {
		peers, err := cluster[[]peer.ID](ctx, c, "BlockAllocate", pin)
		switch {
		case err != nil:
			return nil, err
		case !params.Shard && (params.Local || len(peers) == 0):
			return []peer.ID{""}, nil // this peer
		case len(peers) > 0:
			return peers, nil
		case time.Since(start) > firstPing:
			return nil, pinset.Unavailable("no peer of the cluster can take the content now", nil)
		}
		select {
		case <-time.After(firstPingPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

const (
	// fullEnough is the space left in a store that has refused blocks because it is
	// full, in bytes. It is not 0, since many blocks are written at a time.
	fullEnough = 16 << 20
	// leastRoom is the space that an upload needs to begin, in bytes: one block of
	// the usual size, or a hundredth of a small store.
	leastRoom = 256 << 10
)

// full returns an error, with the numbers of the first peer, when the IPFS nodes of all
// peers have less than room bytes left. A node that does not answer counts as one with
// space.
func (c *rpcCluster) full(ctx context.Context, peers []peer.ID, room uint64, cause error) error {
	stats := make([]api.IPFSRepoStat, len(peers))
	var queried sync.WaitGroup
	for i, id := range peers {
		queried.Go(func() { stats[i] = c.stat(ctx, id) })
	}
	queried.Wait()
	for _, stat := range stats {
		least := room
		if cause == nil {
			least = min(room, stat.StorageMax/100)
		}
		if stat.StorageMax == 0 || stat.RepoSize+least < stat.StorageMax {
			return nil
		}
	}
	if len(stats) == 0 {
		return nil
	}
	details := fmt.Sprintf(
		"the IPFS node has %s in use and room for %s in all: remove pins and collect garbage, or free some space on its disk",
		humanize.IBytes(stats[0].RepoSize), humanize.IBytes(stats[0].StorageMax))
	return &pinset.Error{Kind: pinset.KindDiskFull, Details: pinset.DiskFull(details).Error(), Cause: cause}
}

// stat returns the space of a peer's IPFS node, zero when it does not answer.
func (c *rpcCluster) stat(ctx context.Context, id peer.ID) api.IPFSRepoStat {
	ctx, cancel := context.WithTimeout(ctx, statTimeout)
	defer cancel()
	stat, err := call[api.IPFSRepoStat](ctx, c, clusterrpc.Method{Peer: id, Service: "IPFSConnector", Name: "RepoStat"}, nothing{})
	if err != nil {
		return api.IPFSRepoStat{}
	}
	return stat
}

// explainRefusal replaces the library's error for blocks that no IPFS node has accepted
// when the cause is full storage, which the library only logs.
func (c *rpcCluster) explainRefusal(ctx context.Context, peers []peer.ID, err error) error {
	if !errors.Is(err, adder.ErrBlockAdder) {
		return err
	}
	if len(peers) == 0 {
		peers = []peer.ID{""}
	}
	if full := c.full(ctx, peers, fullEnough, err); full != nil {
		return full
	}
	return err
}
