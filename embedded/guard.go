package embedded

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	mh "github.com/multiformats/go-multihash"
)

// blockKey stands for a multihash in memory: 128 bits of two hashes whose
// seeds are random in every process, so nobody can prepare a collision.
type blockKey [2]uint64

// hasher makes blockKeys. Keys of different hashers have no relation.
type hasher [2]maphash.Seed

func newHasher() hasher {
	return hasher{maphash.MakeSeed(), maphash.MakeSeed()}
}

func (h hasher) key(m mh.Multihash) blockKey {
	return blockKey{maphash.Bytes(h[0], m), maphash.Bytes(h[1], m)}
}

// guard keeps a garbage collection from deleting a block that somebody else
// relies on at the same time. While a collection runs, everybody who is about
// to rely on a block claims it first: before looking whether it is there, and
// before writing it. A block is deleted only while nobody has claimed it, and
// a claim waits for a deletion of the same block that is under way. So whoever
// claims a block and then sees it can count on it.
//
// A claim made while no collection runs leaves no trace. Those who made such
// claims keep their own list, and the collection reads these lists after start.
type guard struct {
	hasher
	on     atomic.Bool
	shards [64]guardShard
}

type guardShard struct {
	mu      sync.Mutex
	claimed map[blockKey]struct{}
}

func newGuard() *guard {
	return &guard{hasher: newHasher()}
}

// start makes claims count. One collection at a time.
func (g *guard) start() {
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		s.claimed = make(map[blockKey]struct{})
		s.mu.Unlock()
	}
	g.on.Store(true)
}

// stop forgets all claims.
func (g *guard) stop() {
	g.on.Store(false)
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		s.claimed = nil
		s.mu.Unlock()
	}
}

// claim protects a block until the running collection ends.
func (g *guard) claim(m mh.Multihash) {
	if !g.on.Load() {
		return
	}
	k := g.key(m)
	s := g.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed != nil {
		s.claimed[k] = struct{}{}
	}
}

// remove calls del unless the block is claimed, and says whether it did.
// Nobody can claim the block while del runs.
func (g *guard) remove(m mh.Multihash, del func() error) (bool, error) {
	k := g.key(m)
	s := g.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.claimed[k]; ok {
		return false, nil
	}
	return true, del()
}

func (g *guard) shard(k blockKey) *guardShard {
	return &g.shards[k[0]%uint64(len(g.shards))]
}
