package storage

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	mh "github.com/multiformats/go-multihash"
)

// BlockKey stands for a multihash in memory: 128 bits of two hashes whose
// seeds are random in every process, so nobody can prepare a collision.
type BlockKey [2]uint64

// Hasher makes BlockKeys. Keys of different hashers have no relation.
type Hasher [2]maphash.Seed

// NewHasher returns a hasher with new random seeds.
func NewHasher() Hasher {
	return Hasher{maphash.MakeSeed(), maphash.MakeSeed()}
}

// Key returns the key of a multihash.
func (h Hasher) Key(m mh.Multihash) BlockKey {
	return BlockKey{maphash.Bytes(h[0], m), maphash.Bytes(h[1], m)}
}

// Claims keeps a garbage collection from deleting a block that another goroutine
// relies on at the same time. While a collection runs, each goroutine claims a block
// before it looks for the block in the store and before it writes it. Only unclaimed
// blocks are deleted, and a claim waits for a deletion of the same block that is under
// way. So a block that is found after its claim stays until the collection ends.
//
// A claim made while no collection runs leaves no trace. Pins in progress and block
// streams therefore keep their own lists, which the collection reads after Start.
type Claims struct {
	Hasher
	on     atomic.Bool
	shards [64]claimShard
}

type claimShard struct {
	mu      sync.Mutex
	claimed map[BlockKey]struct{}
}

// NewClaims returns claims that do not count yet: see Start.
func NewClaims() *Claims {
	return &Claims{Hasher: NewHasher()}
}

// Start makes claims count. Only one collection may run at a time. on is set last,
// so that every claim that counts finds the map of its shard.
func (c *Claims) Start() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.claimed = make(map[BlockKey]struct{})
		s.mu.Unlock()
	}
	c.on.Store(true)
}

// Stop forgets all claims. A Claim that has read on just before finds no map in its
// shard and does nothing.
func (c *Claims) Stop() {
	c.on.Store(false)
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.claimed = nil
		s.mu.Unlock()
	}
}

// Claim protects a block until the running collection ends.
func (c *Claims) Claim(m mh.Multihash) {
	if !c.on.Load() {
		return
	}
	k := c.Key(m)
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed != nil {
		s.claimed[k] = struct{}{}
	}
}

// Remove calls del unless the block is claimed, and reports whether it did. It holds
// the lock of the shard while del runs, so the block cannot be claimed meanwhile.
func (c *Claims) Remove(m mh.Multihash, del func() error) (bool, error) {
	k := c.Key(m)
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.claimed[k]; ok {
		return false, nil
	}
	return true, del()
}

func (c *Claims) shard(k BlockKey) *claimShard {
	return &c.shards[k[0]%uint64(len(c.shards))]
}
