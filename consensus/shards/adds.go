package shards

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"golang.org/x/sync/errgroup"
)

const (
	// AddKey is the metadata key by which the pins of one sharded add of this
	// peer are known while it is under way. It is not stored.
	AddKey = "pinsvc-add"
	// AdderKey is the metadata key under which a part has the ID of the peer
	// that added it. That peer removes the part when nothing came of the add.
	AdderKey = "pinsvc-adder"
)

// add is one sharded add under way. Its parts are not removed meanwhile.
type add struct {
	parts map[api.Cid]api.Pin // as they were stored
}

// BeginAdd registers a sharded add of this peer. Its pins carry the returned ID
// in their metadata, under AddKey. EndAdd must be called.
func (k *Keeper) BeginAdd() (id string) {
	id = rand.Text()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.adds[id] = &add{parts: make(map[api.Cid]api.Pin)}
	return id
}

// EndAdd ends a sharded add. When it has failed, the parts that nothing else
// needs are removed; if that takes long, it goes on after EndAdd.
func (k *Keeper) EndAdd(_ context.Context, id string, failed bool) {
	k.mu.Lock()
	a, ok := k.adds[id]
	delete(k.adds, id)
	k.mu.Unlock()
	if !ok || !failed || len(a.parts) == 0 {
		return
	}
	k.wait(func() {
		var shards []api.Cid
		for c, p := range a.parts {
			if p.Type == api.ClusterDAGType {
				k.unpin(k.ctx, c) // first: while it is there, it needs the shards
			} else {
				shards = append(shards, c)
			}
		}
		k.unpinAll(k.ctx, shards)
	})
}

// Claim notes that a pin is about to be stored. It returns the ID of the add
// that the pin belongs to, empty for none, and the pin as it is to be stored: a
// part has no expiry of its own, since it lives as long as a root needs it.
func (k *Keeper) Claim(p api.Pin) (id string, out api.Pin) {
	if !IsPart(p) && !isRoot(p) {
		return "", p
	}
	id = p.Metadata[AddKey]
	meta := make(map[string]string, len(p.Metadata))
	for key, value := range p.Metadata {
		if key != AddKey {
			meta[key] = value
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	a, ok := k.adds[id]
	if IsPart(p) {
		if ok {
			meta[AdderKey] = k.options.Peer.String()
		}
		p.ExpireAt = zeroTime
	}
	p.Metadata = meta
	if ok && IsPart(p) {
		a.parts[p.Cid] = p
	}
	if !ok {
		id = ""
	}
	return id, p
}

// Complete pins the parts of an add again that another peer has removed since
// they were stored. It is called before the root of the add is stored.
func (k *Keeper) Complete(ctx context.Context, id string) error {
	k.mu.Lock()
	var parts []api.Pin
	if a, ok := k.adds[id]; ok {
		for _, p := range a.parts {
			parts = append(parts, p)
		}
	}
	k.mu.Unlock()
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, p := range parts {
		group.Go(func() error {
			now, err := k.stored(ctx, p.Cid)
			if err != nil || now.Defined() {
				return err
			}
			logger.Infof("a part of a sharded add was removed meanwhile, and is pinned again: %s", p.Cid)
			if err := k.options.Pin(ctx, p); err != nil {
				return fmt.Errorf("pinning a part of a sharded add again: %w", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// claimed tells whether an add under way has a part. The caller holds mu.
func (k *Keeper) claimed(c api.Cid) bool {
	for _, a := range k.adds {
		if _, ok := a.parts[c]; ok {
			return true
		}
	}
	return false
}
