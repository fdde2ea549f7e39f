package view

import (
	"errors"
	"runtime"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// batchBytes and batchEntries bound a batch.
	batchBytes   = 64 << 10
	batchEntries = 512
)

// read returns items for the whole state, in the order of the scan.
func (v *View) read() ([]*item, error) {
	if v.entries != nil {
		return v.readEntries()
	}
	var items []*item
	err := v.eachItem(func(it *item) { items = append(items, it) })
	return items, err
}

// eachItem calls fn with an item for every pin of the state, one at a time.
func (v *View) eachItem(fn func(*item)) error {
	if v.entries != nil {
		p := newParser(v)
		return v.split(func(one *batch) {
			p.parse(one)
			for _, it := range one.items {
				fn(it)
			}
		})
	}
	return v.Scan(v.ctx, func(stored api.Pin) {
		if pinset.Shown(stored) {
			v.options.Memory.Saw(sizeOf(stored))
			v.mu.Lock()
			at := v.placements.of(stored)
			v.mu.Unlock()
			fn(newItem(stored, at))
		}
	})
}

// batch is a number of entries that are parsed together.
type batch struct {
	bytes []byte
	ends  []int // of a CID, of its pin, and so on, in bytes
	items []*item
}

// readEntries reads the state through v.entries, with a parser for each processor. Batches
// keep their order, since items that arrive in the order of byCID need no sort there.
func (v *View) readEntries() ([]*item, error) {
	parsers := max(1, runtime.GOMAXPROCS(0))
	batches := make(chan *batch, parsers)
	var parsing sync.WaitGroup
	for range parsers {
		parsing.Go(func() {
			p := newParser(v)
			for one := range batches {
				p.parse(one)
			}
		})
	}
	var sent []*batch
	err := v.split(func(one *batch) {
		sent = append(sent, one)
		batches <- one
	})
	close(batches)
	parsing.Wait()
	if err != nil {
		return nil, err
	}
	n := 0
	for _, one := range sent {
		n += len(one.items)
	}
	items := make([]*item, 0, n)
	for _, one := range sent {
		items = append(items, one.items...)
	}
	return items, nil
}

// split calls use with the entries of the state in batches.
func (v *View) split(use func(*batch)) error {
	one := &batch{}
	flush := func() {
		if len(one.ends) > 0 {
			use(one)
			one = &batch{}
		}
	}
	err := v.entries(v.ctx, func(key, stored []byte) error {
		if one.bytes == nil {
			one.bytes = make([]byte, 0, batchBytes)
			one.ends = make([]int, 0, 2*batchEntries)
		}
		one.bytes = append(one.bytes, key...)
		one.ends = append(one.ends, len(one.bytes))
		one.bytes = append(one.bytes, stored...)
		one.ends = append(one.ends, len(one.bytes))
		if len(one.ends) == 2*batchEntries || len(one.bytes) > batchBytes*7/8 {
			flush()
		}
		return v.ctx.Err()
	})
	flush()
	return errors.Join(err, v.ctx.Err())
}

// parser makes items from entries. It is not safe for concurrent use.
type parser struct {
	view       *View
	wire       pinset.Wire
	placements map[string]*placement // by pinset.Wire.AppendPlacement
	buffer     []byte
	data       []byte // data of the items of the current batch
}

func newParser(v *View) *parser {
	return &parser{view: v, placements: make(map[string]*placement)}
}

// parse sets the items of a batch and releases its bytes.
func (p *parser) parse(one *batch) {
	made := make([]item, 0, len(one.ends)/2)
	ends := make([]int, 0, cap(made)) // offsets in p.data
	p.data = p.data[:0]
	start := 0
	for i := 0; i < len(one.ends); i += 2 {
		key, stored := one.bytes[start:one.ends[i]], one.bytes[one.ends[i]:one.ends[i+1]]
		start = one.ends[i+1]
		if it, ok := p.item(key, stored); ok {
			made, ends = append(made, it), append(ends, len(p.data))
		}
	}
	data := string(p.data) // one allocation for all items
	one.items = make([]*item, len(made))
	start = 0
	for i := range made {
		made[i].data = data[start:ends[i]]
		start = ends[i]
		one.items[i] = &made[i]
	}
	one.bytes, one.ends = nil, nil
}

// item makes an item and appends its data to p.data. It returns false for an entry that
// the API does not show or that cannot be read.
func (p *parser) item(key, stored []byte) (item, bool) {
	w := &p.wire
	if !w.Parse(stored) {
		return p.slowItem(key, stored)
	}
	if !pinset.Shown(api.Pin{Type: w.PinType()}) {
		return item{}, false
	}
	at, ok := p.placement()
	if !ok {
		return p.slowItem(key, stored)
	}
	p.view.options.Memory.Saw(w.Size)
	it := item{placement: at, created: w.CreatedAt(key)}
	it.nameAt = uint32(len(key))
	it.metaAt = uint32(len(key) + len(w.Name))
	p.data = append(append(p.data, key...), w.Name...)
	from := len(p.data)
	p.data = w.AppendMeta(p.data)
	if len(p.data)-from > maxMeta {
		p.data = append(p.data[:from], summary(p.data[from:])...)
		it.metaAt |= metaLarge
	}
	return it, true
}

// placement returns the placement of the parsed pin, false if it is invalid.
func (p *parser) placement() (*placement, bool) {
	p.buffer = p.wire.AppendPlacement(p.buffer[:0])
	if at, ok := p.placements[string(p.buffer)]; ok {
		return at, true
	}
	stored := api.Pin{Type: p.wire.PinType()}
	stored.ReplicationFactorMin, stored.ReplicationFactorMax = int(p.wire.Min), int(p.wire.Max)
	for _, b := range p.wire.Allocations {
		id, err := peer.IDFromBytes(b)
		if err != nil {
			return nil, false
		}
		stored.Allocations = append(stored.Allocations, id)
	}
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	at := p.view.placements.of(stored)
	p.placements[string(p.buffer)] = at
	return at, true
}

// slowItem is item with the library's decoder, for entries that v1.1.6 does not write. Like the
// library's list, it logs and leaves out an entry that cannot be decoded.
func (p *parser) slowItem(key, stored []byte) (item, bool) {
	pin, err := pinset.DecodeStored(key, stored)
	if err != nil {
		logger.Errorf("view of the pinset: an entry of the state cannot be read and is not listed (%x): %s", key, err)
		return item{}, false
	}
	if !pinset.Shown(pin) {
		return item{}, false
	}
	p.view.options.Memory.Saw(sizeOf(pin))
	p.view.mu.Lock()
	at := p.view.placements.of(pin)
	p.view.mu.Unlock()
	it := newItem(pin, at)
	p.data = append(p.data, it.data...)
	return *it, true
}
