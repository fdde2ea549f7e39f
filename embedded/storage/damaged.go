package storage

import (
	"context"
	"encoding/base32"
	"fmt"
	"path"
	"sync"
	"sync/atomic"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	mh "github.com/multiformats/go-multihash"
	"golang.org/x/time/rate"
)

// damagedPrefix holds one record for each block of the damaged list. Its value
// is empty.
const damagedPrefix = "/embedded/damaged"

// The first damageLines damaged blocks of a minute get a log line each. With a
// whole disk that went bad there would be millions.
const damageLines = 20

var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// DamagedList lists the blocks that were found damaged, or missing although a pin
// needs them, and that were not written since. The store compares a listed block
// with its hash before it reports the block as present. The list is on disk as well: a
// repair that goes on after a restart fetches exactly these blocks.
type DamagedList struct {
	records ds.Batching
	room    func() error // nil while the disk can take another record
	// Found is called after a block has been added to the list. It must not wait.
	Found func()

	Size   atomic.Int64 // of blocks, to be read without the lock
	mu     sync.Mutex
	blocks map[string]struct{} // multihashes

	Total, Healed atomic.Uint64 // since the start: added, and written anew
	lines         *rate.Limiter
	unlogged      atomic.Uint64
}

// OpenDamaged reads the list from the records. An invalid record is an error: without
// it, a damaged block would count as present.
func OpenDamaged(ctx context.Context, records ds.Batching, room func() error) (*DamagedList, error) {
	d := &DamagedList{
		records: records,
		room:    room,
		Found:   func() {},
		blocks:  make(map[string]struct{}),
		lines:   rate.NewLimiter(rate.Every(time.Minute/damageLines), damageLines),
	}
	results, err := records.Query(ctx, query.Query{Prefix: damagedPrefix, KeysOnly: true})
	if err != nil {
		return nil, err
	}
	defer results.Close()
	for r := range results.Next() {
		if r.Error != nil {
			return nil, r.Error
		}
		hash, err := keyEncoding.DecodeString(path.Base(r.Key))
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", r.Key, err)
		}
		d.blocks[string(hash)] = struct{}{}
	}
	d.Size.Store(int64(len(d.blocks)))
	return d, ctx.Err()
}

// Has reports whether the block is listed. It costs next to nothing while the
// list is empty.
func (d *DamagedList) Has(hash mh.Multihash) bool {
	if d.Size.Load() == 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, listed := d.blocks[string(hash)]
	return listed
}

// add lists a block and logs why, unless it is listed. Without room for a record, the
// list is complete in memory only. The record is written even if ctx has ended: the
// request that met the damage may have been cancelled.
func (d *DamagedList) add(ctx context.Context, hash mh.Multihash, why error) {
	d.mu.Lock()
	if _, listed := d.blocks[string(hash)]; listed {
		d.mu.Unlock()
		return
	}
	d.blocks[string(hash)] = struct{}{}
	d.Size.Store(int64(len(d.blocks)))
	if d.room() == nil {
		if err := d.records.Put(context.WithoutCancel(ctx), damagedKey(hash), nil); err != nil {
			logger.Warnf("recording a damaged block: %s", err)
		}
	}
	d.mu.Unlock()
	d.Total.Add(1)
	if d.lines.Allow() {
		more := ""
		if n := d.unlogged.Swap(0); n > 0 {
			more = fmt.Sprintf(" (and %d others before)", n)
		}
		logger.Errorf("%s; it counts as absent and is fetched again%s", why, more)
	} else {
		d.unlogged.Add(1)
	}
	d.Found()
}

// remove takes blocks off the list, because they were written, turned out to be
// good or were deleted. It returns how many were listed.
func (d *DamagedList) remove(ctx context.Context, hashes ...mh.Multihash) (removed int) {
	if d.Size.Load() == 0 {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, hash := range hashes {
		if _, listed := d.blocks[string(hash)]; !listed {
			continue
		}
		delete(d.blocks, string(hash))
		removed++
		// A record that stays behind costs one comparison after the next start.
		if d.room() == nil {
			if err := d.records.Delete(context.WithoutCancel(ctx), damagedKey(hash)); err != nil {
				logger.Warnf("removing the record of a damaged block: %s", err)
			}
		}
	}
	d.Size.Store(int64(len(d.blocks)))
	return removed
}

func damagedKey(hash mh.Multihash) ds.Key {
	return ds.RawKey(damagedPrefix + "/" + keyEncoding.EncodeToString(hash))
}
