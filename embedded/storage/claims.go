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

// Hasher makes blockKeys. Keys of different hashers have no relation.
type Hasher [2]maphash.Seed

// NewHasher returns a hasher with new random seeds.
func NewHasher() Hasher {
	return Hasher{maphash.MakeSeed(), maphash.MakeSeed()}
}

// Key returns the key of a multihash.
func (h Hasher) Key(m mh.Multihash) BlockKey {
	return BlockKey{maphash.Bytes(h[0], m), maphash.Bytes(h[1], m)}
}

// Claims keeps a garbage collection from deleting a block that somebody else
// relies on at the same time. While a collection runs, everybody who is about
// to rely on a block claims it first: before looking whether it is there, and
// before writing it. A block is deleted only while nobody has claimed it, and
// a claim waits for a deletion of the same block that is under way. So whoever
// claims a block and then sees it can count on it.
//
// A claim made while no collection runs leaves no trace. Those who made such
// claims keep their own list, and the collection reads these lists after start.
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

// Start makes claims count. One collection at a time.
func (c *Claims) Start() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.claimed = make(map[BlockKey]struct{})
		s.mu.Unlock()
	}
	c.on.Store(true)
}

// Stop forgets all claims.
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

// Remove calls del unless the block is claimed, and says whether it did.
// Nobody can claim the block while del runs.
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
