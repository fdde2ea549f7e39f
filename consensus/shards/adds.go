package shards

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"golang.org/x/sync/errgroup"
)

const (
	// AddKey is the metadata key with the ID of the sharded add of this peer that a pin
	// belongs to, while the add is in progress. It is not stored.
	AddKey = "pinsvc-add"
	// AdderKey is the metadata key with the ID of the peer that added a part. That peer
	// removes the part when the add has failed.
	AdderKey = "pinsvc-adder"
)

// add is a sharded add in progress. Its parts are not removed meanwhile, although no root
// needs them yet.
type add struct {
	parts map[api.Cid]api.Pin // as they were stored
}

// BeginAdd registers a sharded add of this peer. Its pins must have the returned ID in
// their metadata, as the value of AddKey. EndAdd must be called when it has ended.
func (k *Keeper) BeginAdd() (id string) {
	id = rand.Text()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.adds[id] = &add{parts: make(map[api.Cid]api.Pin)}
	return id
}

// EndAdd ends a sharded add. When it has failed, parts that nothing else needs are removed;
// after collectWait that continues in the background.
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
				k.unpin(k.ctx, c) // first: as long as it exists, it needs the shards
			} else {
				shards = append(shards, c)
			}
		}
		k.unpinAll(k.ctx, shards)
	})
}

// Claim registers a pin that is about to be stored with its add. It returns the ID of the
// add, "" for none, and the pin to be stored: without AddKey, with AdderKey, and for a part
// without an expiry, since a part exists as long as a root needs it.
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
	// Kept as stored, so that Complete can pin it again in the same way.
	if ok && IsPart(p) {
		a.parts[p.Cid] = p
	}
	if !ok {
		id = ""
	}
	return id, p
}

// Complete pins parts of an add again that another peer has removed since they were stored:
// that peer did not know of the add. It is called before the root is stored.
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

// claimed reports whether a CID is a part of an add in progress. The caller holds mu.
func (k *Keeper) claimed(c api.Cid) bool {
	for _, a := range k.adds {
		if _, ok := a.parts[c]; ok {
			return true
		}
	}
	return false
}
