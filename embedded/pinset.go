package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path"

	pinner "github.com/ipfs/boxo/pinning/pinner"
	"github.com/ipfs/boxo/pinning/pinner/dspinner"
	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// The two kinds of pins besides a number of levels of links, which is > 0.
const (
	recursive = -1
	direct    = 0
)

// Records of our own beside those of the pinner: it knows no depth-limited
// pins, and no pins that are known to lack blocks.
const (
	limitedPrefix = "/embedded/limited" // value: the depth, a varint
	brokenPrefix  = "/embedded/broken"  // value: the first block that was missed, or nothing
)

// pinset is the durable list of what is pinned: at most one depth for a CID. A
// change is on disk when its method returns. Changes of one CID must not
// overlap.
type pinset struct {
	pins    pinner.Pinner
	records ds.Batching
}

// openPinset reads the records. dag is never asked for anything but local nodes.
func openPinset(ctx context.Context, records ds.Batching, dag ipld.DAGService) (*pinset, error) {
	pins, err := dspinner.New(ctx, records, dag)
	if err != nil {
		return nil, err
	}
	return &pinset{pins: pins, records: records}, nil
}

// get gives the depth that c is pinned with, if it is and nothing is known to
// be missing.
func (p *pinset) get(ctx context.Context, c cid.Cid) (depth int, pinned bool, err error) {
	broken, err := p.records.Has(ctx, recordKey(brokenPrefix, c))
	if err != nil || broken {
		return 0, false, err
	}
	return p.recorded(ctx, c)
}

// recorded gives the depth of c's record, complete or not. Of two records,
// which a crash in the middle of a change can leave, it is the deeper one.
func (p *pinset) recorded(ctx context.Context, c cid.Cid) (depth int, found bool, err error) {
	// Asking for any kind at once would make the pinner walk every DAG.
	if _, found, err = p.pins.IsPinnedWithType(ctx, c, pinner.Recursive); err != nil || found {
		return recursive, found, err
	}
	if depth, found, err = p.limited(ctx, c); err != nil || found {
		return depth, found, err
	}
	_, found, err = p.pins.IsPinnedWithType(ctx, c, pinner.Direct)
	return direct, found, err
}

func (p *pinset) limited(ctx context.Context, c cid.Cid) (depth int, found bool, err error) {
	value, err := p.records.Get(ctx, recordKey(limitedPrefix, c))
	if errors.Is(err, ds.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	depth, err = parseDepth(value)
	return depth, err == nil, err
}

// set records c with exactly that depth, in place of any other.
func (p *pinset) set(ctx context.Context, c cid.Cid, depth int) error {
	var err error
	switch depth {
	case recursive: // replaces a direct one by itself
		err = p.add(ctx, c, pinner.Recursive)
	case direct:
		err = p.toDirect(ctx, c)
	default:
		key := recordKey(limitedPrefix, c)
		if err = p.records.Put(ctx, key, binary.AppendUvarint(nil, uint64(depth))); err == nil {
			err = p.dropFromPinner(ctx, c)
		}
	}
	if err == nil && depth <= 0 {
		err = p.records.Delete(ctx, recordKey(limitedPrefix, c))
	}
	if err == nil {
		err = p.records.Delete(ctx, recordKey(brokenPrefix, c))
	}
	if err != nil {
		return fmt.Errorf("recording the pin: %w", err)
	}
	return p.records.Sync(ctx, ds.NewKey("/"))
}

// add is for the pinner's two kinds. An existing record stays as it is, since
// the pinner would take it away first.
func (p *pinset) add(ctx context.Context, c cid.Cid, mode pinner.Mode) error {
	_, found, err := p.pins.IsPinnedWithType(ctx, c, mode)
	if err != nil || found {
		return err
	}
	return p.pins.PinWithMode(ctx, c, mode, "")
}

// toDirect takes away a recursive record first: the pinner wants it so.
func (p *pinset) toDirect(ctx context.Context, c cid.Cid) error {
	_, found, err := p.pins.IsPinnedWithType(ctx, c, pinner.Recursive)
	if err == nil && found {
		err = p.pins.Unpin(ctx, c, true)
	}
	if err != nil {
		return err
	}
	return p.add(ctx, c, pinner.Direct)
}

func (p *pinset) dropFromPinner(ctx context.Context, c cid.Cid) error {
	err := p.pins.Unpin(ctx, c, true)
	if errors.Is(err, pinner.ErrNotPinned) {
		return nil
	}
	return err
}

// remove takes c's records away. It is no error if there are none.
func (p *pinset) remove(ctx context.Context, c cid.Cid) error {
	err := p.dropFromPinner(ctx, c)
	for _, prefix := range []string{limitedPrefix, brokenPrefix} {
		if err == nil {
			err = p.records.Delete(ctx, recordKey(prefix, c))
		}
	}
	if err != nil {
		return fmt.Errorf("removing the pin's record: %w", err)
	}
	return p.records.Sync(ctx, ds.NewKey("/"))
}

// setBroken notes that c's record does not hold what was asked for: it counts
// as not pinned until it is set again, but keeps protecting its blocks. missed is
// a block that it lacks, or undefined.
func (p *pinset) setBroken(ctx context.Context, c, missed cid.Cid) error {
	key := recordKey(brokenPrefix, c)
	if !missed.Defined() {
		if known, err := p.records.Has(ctx, key); err != nil || known {
			return err
		}
	}
	if err := p.records.Put(ctx, key, missed.Bytes()); err != nil {
		return err
	}
	return p.records.Sync(ctx, key)
}

// each calls yield for every record, complete or not, until it fails. The set
// may change meanwhile: pins that exist all the time are all seen.
func (p *pinset) each(ctx context.Context, yield func(c cid.Cid, depth int) error) error {
	if err := p.eachOf(ctx, recursive, yield); err != nil {
		return err
	}
	if err := p.eachLimited(ctx, yield); err != nil {
		return err
	}
	return p.eachOf(ctx, direct, yield)
}

// eachOf is each for one of the pinner's kinds.
func (p *pinset) eachOf(ctx context.Context, depth int, yield func(cid.Cid, int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream after an error of yield
	keys := p.pins.RecursiveKeys
	if depth == direct {
		keys = p.pins.DirectKeys
	}
	for pin := range keys(ctx, false) {
		if pin.Err != nil {
			return pin.Err
		}
		if err := yield(pin.Pin.Key, depth); err != nil {
			return err
		}
	}
	return ctx.Err() // the stream just ends when it is cancelled
}

// eachLimited is each for our own kind. Like the pinner it reads all before it
// yields, so that a slow reader holds nothing.
func (p *pinset) eachLimited(ctx context.Context, yield func(cid.Cid, int) error) error {
	found := make(map[cid.Cid]int)
	err := p.query(ctx, limitedPrefix, func(c cid.Cid, value []byte) (err error) {
		found[c], err = parseDepth(value)
		return err
	})
	if err != nil {
		return err
	}
	for c, depth := range found {
		if err := yield(c, depth); err != nil {
			return err
		}
	}
	return nil
}

// broken lists the CIDs of setBroken, each with the block that it lacks, which
// may be undefined.
func (p *pinset) broken(ctx context.Context) (map[cid.Cid]cid.Cid, error) {
	found := make(map[cid.Cid]cid.Cid)
	err := p.query(ctx, brokenPrefix, func(c cid.Cid, value []byte) error {
		missed := cid.Undef
		if len(value) > 0 {
			var err error
			if missed, err = cid.Cast(value); err != nil {
				return fmt.Errorf("record of the damaged pin %s: %w", c, err)
			}
		}
		found[c] = missed
		return nil
	})
	return found, err
}

func (p *pinset) query(ctx context.Context, prefix string, yield func(cid.Cid, []byte) error) error {
	results, err := p.records.Query(ctx, query.Query{Prefix: prefix})
	if err != nil {
		return err
	}
	defer results.Close()
	for r := range results.Next() {
		if r.Error != nil {
			return r.Error
		}
		c, err := cid.Decode(path.Base(r.Key))
		if err != nil {
			return fmt.Errorf("record %s: %w", r.Key, err)
		}
		if err := yield(c, r.Value); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func recordKey(prefix string, c cid.Cid) ds.Key {
	return ds.RawKey(prefix + "/" + c.String())
}

func parseDepth(value []byte) (int, error) {
	n, size := binary.Uvarint(value)
	if size != len(value) || n == 0 || n >= storage.Unlimited {
		return 0, errors.New("damaged record of a depth-limited pin")
	}
	return int(n), nil
}
