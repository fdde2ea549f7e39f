package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/dustin/go-humanize"
	"github.com/ipfs/boxo/blockstore"
	dshelp "github.com/ipfs/boxo/datastore/dshelp"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	flatfs "github.com/ipfs/go-ds-flatfs"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"

	"github.com/ipfs-cluster/pinsvc/embedded/disk"
)

// DiskReserve is what the store leaves free on its disk, in bytes: the peer's
// own state is often on the same one, and must not run out of space.
const DiskReserve = 64 << 20

// repairReserve is what blocks that replace lost ones leave free, in bytes.
const repairReserve = DiskReserve / 2

// ErrStorageFull is wrapped by every error of a write that would exceed the
// storage limit or leave too little space on the disk.
var ErrStorageFull = errors.New("storage limit reached")

// Store is the block store: flatfs, with a limit and with claims between
// writers and garbage collection. A block is on disk when Put returns, in place of
// an older file of that block, and is compared with its hash when it is read
// (checked.go).
type Store struct {
	blockstore.Blockstore
	files   *flatfs.Datastore
	Claims  *Claims
	Damaged *DamagedList
	Max     uint64 // bytes; 0 is no limit but the disk
	Free    func() uint64

	// Writers share the lock while there is plenty of room. Near a limit each writer
	// holds it alone: only then is the number of used bytes exact.
	writing sync.RWMutex
	Going   atomic.Int64 // bytes of writes under way
}

// NewStore puts the store on top of the repo's flatfs.
func NewStore(r *Repo, g *Claims, d *DamagedList, max uint64) *Store {
	plain := blockstore.NewBlockstore(r.blocks, blockstore.NoPrefix(), blockstore.WriteThrough(true))
	return &Store{
		Blockstore: blockstore.NewIdStore(patient{plain}), // inline CIDs are there by themselves
		files:      r.blocks,
		Claims:     g,
		Damaged:    d,
		Max:        max,
		Free:       func() uint64 { return disk.Free(r.BlocksDir()) },
	}
}

// Put writes one block.
func (s *Store) Put(ctx context.Context, b blocks.Block) error {
	return s.PutMany(ctx, []blocks.Block{b})
}

// PutMany writes blocks, many at a time much faster than one by one. The error
// wraps ErrStorageFull when there is no room for all of them; none is written
// then. A write that has begun is finished even if ctx ends.
func (s *Store) PutMany(ctx context.Context, bs []blocks.Block) error {
	s.claim(bs)
	// flatfs leaves files behind when a batch is cancelled.
	ctx = context.WithoutCancel(ctx)
	if done, err := s.putShared(ctx, bs); done {
		return err
	}
	return s.PutAlone(ctx, bs)
}

// Replace writes blocks that a recorded pin has lost. They were within the limit
// before, and while one is missing no garbage collection can make room: so only
// the disk limits them, which they may fill further than new blocks.
func (s *Store) Replace(ctx context.Context, bs []blocks.Block) error {
	s.claim(bs)
	s.writing.Lock()
	defer s.writing.Unlock()
	if free := s.Free(); uint64(sizeOf(bs))+repairReserve > free {
		return fmt.Errorf("%w: %s are left on the disk", ErrStorageFull, humanize.IBytes(free))
	}
	return s.write(context.WithoutCancel(ctx), bs)
}

func (s *Store) claim(bs []blocks.Block) {
	for _, b := range bs {
		s.Claims.Claim(b.Cid().Hash())
	}
}

// putShared writes while others do, too. It does nothing when there may not be
// enough room: a write that is about to end counts twice, as one under way and
// in what is in use.
func (s *Store) putShared(ctx context.Context, bs []blocks.Block) (done bool, err error) {
	s.writing.RLock()
	defer s.writing.RUnlock()
	size := sizeOf(bs)
	total := s.Going.Add(size)
	defer s.Going.Add(-size)
	if s.Room(uint64(total)) != nil {
		return false, nil
	}
	return true, s.write(ctx, bs)
}

// PutAlone writes the absent blocks, if they fit, while no other write runs.
func (s *Store) PutAlone(ctx context.Context, bs []blocks.Block) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	bs, err := s.absent(ctx, bs)
	if err != nil || len(bs) == 0 {
		return err
	}
	if err := s.Room(uint64(sizeOf(bs))); err != nil {
		return err
	}
	return s.write(ctx, bs)
}

// absent returns the blocks that are missing or damaged, each once. It reads every
// file, which is slow, but happens only near a limit.
func (s *Store) absent(ctx context.Context, bs []blocks.Block) ([]blocks.Block, error) {
	var out []blocks.Block
	seen := make(map[string]bool, len(bs))
	for _, b := range bs {
		hash := string(b.Cid().Hash())
		if seen[hash] {
			continue
		}
		seen[hash] = true
		_, err := s.Get(ctx, b.Cid())
		if ipld.IsNotFound(err) {
			out = append(out, b)
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// write puts blocks on disk, and waits while the process has no descriptor for
// their files.
func (s *Store) write(ctx context.Context, bs []blocks.Block) error {
	return disk.Descriptors(ctx, func() error { return s.writeOnce(ctx, bs) })
}

// writeOnce puts blocks on disk as one batch, of which an error leaves nothing
// behind in the temporary folder.
func (s *Store) writeOnce(ctx context.Context, bs []blocks.Block) error {
	if len(bs) == 1 {
		err := s.Blockstore.Put(ctx, bs[0])
		if err == nil {
			s.written(ctx, bs)
		}
		return err
	}
	batch, err := s.files.Batch(ctx)
	if err != nil {
		return err
	}
	for _, b := range bs {
		if b.Cid().Prefix().MhType == mh.IDENTITY {
			continue
		}
		if err = batch.Put(ctx, dshelp.MultihashToDsKey(b.Cid().Hash()), b.RawData()); err != nil {
			break
		}
	}
	if err == nil {
		err = batch.Commit(ctx)
	}
	if err == nil {
		s.written(ctx, bs)
	}
	if d, ok := batch.(flatfs.DiscardableBatch); ok && err != nil {
		err = errors.Join(err, d.Discard(ctx))
	}
	return err
}

func sizeOf(bs []blocks.Block) (size int64) {
	for _, b := range bs {
		size += int64(len(b.RawData()))
	}
	return size
}

// Room is nil when that many more bytes fit.
func (s *Store) Room(more uint64) error {
	used := s.Used()
	if s.Max > 0 && used+more > s.Max {
		return fmt.Errorf("%w: %s of %s are in use", ErrStorageFull,
			humanize.IBytes(used), humanize.IBytes(s.Max))
	}
	if free := s.Free(); more+DiskReserve > free {
		return fmt.Errorf("%w: %s are left on the disk", ErrStorageFull, humanize.IBytes(free))
	}
	return nil
}

// Used is the size of the files, in bytes. flatfs writes its count down only
// now and then: after a kill it lacks what came in the last two seconds, or up to
// one percent, and can end below zero when blocks are deleted.
func (s *Store) Used() uint64 {
	n, err := s.files.DiskUsage(context.Background())
	if err != nil || n > math.MaxInt64 {
		return 0
	}
	return n
}

// Capacity is how many bytes the store may use in all: its limit, or what the
// disk can give.
func (s *Store) Capacity() uint64 {
	disk := s.Used() + max(s.Free(), DiskReserve) - DiskReserve
	if s.Max == 0 {
		return disk
	}
	return min(s.Max, disk)
}

// Local claims c and gives its size in bytes if it is here. A block that it
// reports stays until a collection that begins later.
func (s *Store) Local(ctx context.Context, c cid.Cid) (size int, here bool, err error) {
	s.Claims.Claim(c.Hash())
	size, err = s.GetSize(ctx, c)
	if ipld.IsNotFound(err) {
		return 0, false, nil
	}
	return size, err == nil, err
}
