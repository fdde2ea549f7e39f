package crdt

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-ds-crdt/pb"
	ipld "github.com/ipfs/go-ipld-format"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
)

// More keys of go-ds-crdt below the namespace, with the format of its database
// that fill writes.
const (
	priorityEnd   = "/p"
	formatKey     = "crdt_version"
	formatVersion = 1
)

// mostDelta bounds the changes of a node, in bytes: go-ds-crdt commits a batch
// that is larger.
const mostDelta = 1 << 20

// Record is a pin as the state keeps it.
type Record struct {
	Key   datastore.Key // of the CID
	Value []byte
}

// NewRecord encodes a pin.
func NewRecord(pin api.Pin) (Record, error) {
	value, err := pin.ProtoMarshal()
	return Record{dshelp.NewKeyFromBinary(pin.Cid.Bytes()), value}, err
}

// size is that of the record in a delta, and a little more.
func (r Record) size() int { return len(r.Key.String()) + len(r.Value) + 16 }

// Fill writes a whole pinset into a store that has none, as go-ds-crdt would
// store and apply a chain of batches: the nodes, their changes and the head. It
// reads nothing, and prepares nodes on all cores. An interrupted Fill leaves a
// part without a head. Neither the store nor Fill may be used by others meanwhile.
type Fill struct {
	store datastore.Batching
	root  datastore.Key

	most    int      // bytes of changes in a node; tests have less
	waiting []Record // of the next node
	size    int      // of waiting, in bytes
	height  uint64
	last    *link // the end of the chain; nil before the first node
	work    *errgroup.Group
	ctx     context.Context // ends with the first error
}

// link connects a node with the one after it.
type link struct {
	named  chan struct{} // closed when cid is set
	stored chan struct{} // closed when the node and all before it are stored
	cid    cid.Cid
}

// NewFill begins to fill the namespace ns of a store. Call End when all is added.
func NewFill(ctx context.Context, store datastore.Batching, ns datastore.Key) *Fill {
	f := &Fill{store: store, root: ns, most: mostDelta}
	f.work, f.ctx = errgroup.WithContext(ctx)
	f.work.SetLimit(runtime.GOMAXPROCS(0) + 1) // one waits for the datastore
	return f
}

// Add adds pins. The last pin of a CID counts.
func (f *Fill) Add(pins []Record) error {
	for _, r := range pins {
		if f.size+r.size() > f.most && len(f.waiting) > 0 {
			f.flush()
		}
		f.waiting = append(f.waiting, r)
		f.size += r.size()
	}
	return f.ctx.Err()
}

// End stores what is not stored yet and makes the last node the head. It waits
// for all that Fill has begun, also after an error of Add.
func (f *Fill) End() error {
	if len(f.waiting) > 0 {
		f.flush()
	}
	ended := context.Cause(f.ctx) // Wait ends it, too
	if err := cmp.Or(f.work.Wait(), ended); err != nil {
		return err
	}
	if f.last != nil {
		if err := f.store.Put(context.Background(), f.keyOf(headsKey, f.last.cid), binary.AppendUvarint(nil, f.height)); err != nil {
			return err
		}
	}
	return f.store.Put(context.Background(), f.root.ChildString(formatKey), binary.AppendUvarint(nil, formatVersion+1))
}

// keyOf returns the key of a node in a part of the namespace.
func (f *Fill) keyOf(part string, c cid.Cid) datastore.Key {
	return datastore.RawKey(f.root.String() + "/" + part + nameOf(c))
}

// flush begins the node of the waiting pins.
func (f *Fill) flush() {
	pins, before, height := f.waiting, f.last, f.height+1
	f.waiting, f.size, f.height = nil, 0, height
	f.last = &link{named: make(chan struct{}), stored: make(chan struct{})}
	this := f.last
	f.work.Go(func() error { return f.writeNode(pins, before, this, height) })
}

// writeNode makes a node and stores it after the one before it.
func (f *Fill) writeNode(pins []Record, before, this *link, height uint64) error {
	pins = sorted(pins)
	data, err := proto.Marshal(deltaOf(pins, height))
	if err != nil {
		return err
	}
	var parent []cid.Cid
	if before != nil {
		if err := f.wait(before.named); err != nil {
			return err
		}
		parent = append(parent, before.cid)
	}
	node, err := nodeOf(data, parent)
	if err != nil {
		return fmt.Errorf("making a node: %w", err)
	}
	this.cid = node.Cid()
	close(this.named)
	batch, err := f.batchOf(node, pins, height)
	if err != nil {
		return err
	}
	if before != nil {
		if err := f.wait(before.stored); err != nil {
			return err
		}
	}
	if err := batch.Commit(f.ctx); err != nil {
		return err
	}
	close(this.stored)
	return nil
}

func (f *Fill) wait(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// sorted sorts pins by key, and keeps the last one of each: replicas disagree
// about a node that sets a key twice.
func sorted(pins []Record) []Record {
	slices.SortStableFunc(pins, func(a, b Record) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	kept := pins[:0]
	for i, r := range pins {
		if i+1 == len(pins) || pins[i+1].Key != r.Key {
			kept = append(kept, r)
		}
	}
	return kept
}

func deltaOf(pins []Record, priority uint64) *pb.Delta {
	all := make([]pb.Element, len(pins))
	delta := &pb.Delta{Elements: make([]*pb.Element, len(pins)), Priority: priority}
	for i, r := range pins {
		all[i].Key, all[i].Value = r.Key.String(), r.Value
		delta.Elements[i] = &all[i]
	}
	return delta
}

// nodeOf makes the node that go-ds-crdt makes of a delta on top of its heads.
func nodeOf(delta []byte, heads []cid.Cid) (*merkledag.ProtoNode, error) {
	node := merkledag.NodeWithData(delta)
	for _, c := range heads {
		if err := node.AddRawLink("", &ipld.Link{Cid: c}); err != nil {
			return nil, err
		}
	}
	return node, node.SetCidBuilder(merkledag.V1CidPrefix())
}

// batchOf has all writes of a node but its head.
func (f *Fill) batchOf(node *merkledag.ProtoNode, pins []Record, height uint64) (datastore.Batch, error) {
	batch, err := f.store.Batch(f.ctx)
	if err != nil {
		return nil, err
	}
	put := func(key string, value []byte) {
		if err == nil {
			err = batch.Put(f.ctx, datastore.RawKey(key), value)
		}
	}
	blocks := crdt.BlocksNs + blockstore.BlockPrefix.String()
	put(f.keyOf(blocks, node.Cid()).String(), node.RawData())
	put(f.keyOf(processedKey, node.Cid()).String(), nil)
	set := f.root.String() + "/" + setKey + "/"
	elements, values, name := set+elementsKey, set+valuesKey, nameOf(node.Cid())
	priority := binary.AppendUvarint(nil, height+1)
	for _, r := range pins {
		put(values+r.Key.String()+priorityEnd, priority)
		put(values+r.Key.String()+valueEnd, r.Value)
	}
	for _, r := range pins {
		put(elements+r.Key.String()+name, nil)
	}
	return batch, err
}
