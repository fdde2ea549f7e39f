package shards

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"golang.org/x/sync/errgroup"
)

// reservedPrefix begins the metadata keys that peers keep for themselves.
const reservedPrefix = "pinsvc-"

// Recover checks a root, and schedules an urgent repair of missing parts. A recover of the
// whole cluster reaches every peer: the first one by rank repairs.
func (k *Keeper) Recover(ctx context.Context, c api.Cid) (Root, error) {
	r, err := k.Check(ctx, c)
	if err == nil && r.Lack != "" {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.schedule(c, 0, true)
	}
	return r, err
}

// checkAndRepair checks a root. Missing parts are pinned again when it is this peer's turn,
// by rank; until then the check is repeated.
func (k *Keeper) checkAndRepair(c api.Cid, urgent bool) {
	p, err := k.stored(k.ctx, c)
	if err != nil {
		k.later(c, again, urgent)
		return
	}
	r, gone, err := k.check(k.ctx, c, p)
	switch {
	case k.ctx.Err() != nil:
		return
	case err != nil:
		logger.Warnf("looking for the shards of %s: %s", c, err)
		k.later(c, again, urgent)
		return
	case r.Lack == "":
		return
	case len(gone) == 0: // the cluster DAG cannot be read, so shards are unknown
		k.later(c, again, false)
		return
	}
	turn := time.Duration(k.rank(c)) * k.options.RepairStep
	if !urgent {
		turn += grace
	}
	if left := time.Until(r.Since.Add(turn)); left > 0 {
		k.later(c, left, urgent)
		return
	}
	if err := k.repair(p, gone); err != nil {
		logger.Warnf("%s %s, and pinning them again fails: %s", c, r.Lack, err)
		k.later(c, again, false)
		return
	}
	logger.Infof("%s lacked parts, which are pinned again: %s", c, r.Lack)
	k.later(c, settle, urgent) // a repaired cluster DAG may reveal missing shards
}

// later is schedule for callers that do not hold mu.
func (k *Keeper) later(c api.Cid, after time.Duration, urgent bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.schedule(c, after, urgent)
}

// rank returns how many peers of the cluster repair a root before this one, by rendezvous
// hashing, which spreads roots over the peers.
func (k *Keeper) rank(c api.Cid) (n int) {
	// Without a list of members this peer repairs at once: two repairs do no harm, none would.
	ctx, cancel := context.WithTimeout(k.ctx, readTimeout)
	defer cancel()
	members, err := k.options.Members(ctx)
	if err != nil {
		return 0
	}
	// The hash of peer and root together: every peer computes the same order.
	weight := func(id string) []byte {
		sum := sha256.Sum256([]byte(id + c.KeyString()))
		return sum[:]
	}
	mine := weight(string(k.options.Peer))
	for _, m := range members {
		if bytes.Compare(weight(string(m)), mine) < 0 {
			n++
		}
	}
	return n
}

// repair pins parts of a root again. IPFS nodes fetch the blocks from nodes that still have
// them.
func (k *Keeper) repair(root api.Pin, gone []missing) error {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, m := range gone {
		group.Go(func() error { return k.options.Pin(k.ctx, partOf(root, m)) })
	}
	return group.Wait()
}

// partOf returns the pin of a missing part, with the options that the add gave it. The size
// of a shard is not known any more.
func partOf(root api.Pin, m missing) api.Pin {
	o := root.PinOptions
	o.Metadata = make(map[string]string, len(root.Metadata))
	for key, value := range root.Metadata {
		if !strings.HasPrefix(key, reservedPrefix) {
			o.Metadata[key] = value
		}
	}
	o.ExpireAt, o.PinUpdate, o.ShardSize = zeroTime, api.CidUndef, 0
	// A cluster DAG refers to its root, a shard to the shard before it, as the adder sets them.
	ref := root.Cid
	kind, depth := api.ClusterDAGType, api.PinDepth(0)
	if m.dag {
		o.Name += "-clusterDAG"
		o.ReplicationFactorMin, o.ReplicationFactorMax = -1, -1
	} else {
		o.Name += fmt.Sprintf("-shard-%d", m.index)
		ref, kind, depth = m.prev, api.ShardType, 1
	}
	p := api.PinWithOpts(m.cid, o)
	p.Type, p.Reference, p.MaxDepth = kind, &ref, depth
	return p
}
