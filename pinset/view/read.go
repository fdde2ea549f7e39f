package view

import (
	"errors"
	"runtime"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// parcelBytes and parcelEntries bound what a parser is given at a time.
	parcelBytes   = 64 << 10
	parcelEntries = 512
)

// read returns the items of the whole state, in the order in which it has them.
func (v *View) read() ([]*item, error) {
	if v.entries != nil {
		return v.readEntries()
	}
	var items []*item
	err := v.Scan(v.ctx, func(stored api.Pin) {
		if pinset.Shown(stored) {
			v.options.Memory.Saw(sizeOf(stored))
			v.mu.Lock()
			at := v.places.of(stored)
			v.mu.Unlock()
			items = append(items, newItem(stored, at))
		}
	})
	return items, err
}

// parcel is some entries of the state on their way from the datastore to a parser.
type parcel struct {
	bytes []byte
	ends  []int // of a CID, of its pin, of the next CID...
	items []*item
}

// readEntries reads the state with all processors: one goroutine goes through the
// datastore, the others parse.
func (v *View) readEntries() ([]*item, error) {
	parsers := max(1, runtime.GOMAXPROCS(0))
	parcels := make(chan *parcel, parsers)
	var parsing sync.WaitGroup
	for range parsers {
		parsing.Go(func() {
			p := parser{view: v, places: make(map[string]*place)}
			for one := range parcels {
				p.parse(one)
			}
		})
	}
	sent, err := v.cut(parcels)
	close(parcels)
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

// cut sends the entries of the state in parcels, and returns these.
func (v *View) cut(parcels chan<- *parcel) ([]*parcel, error) {
	var sent []*parcel
	one := &parcel{}
	flush := func() {
		if len(one.ends) > 0 {
			sent = append(sent, one)
			parcels <- one
			one = &parcel{}
		}
	}
	err := v.entries(v.ctx, func(key, stored []byte) error {
		if one.bytes == nil {
			one.bytes = make([]byte, 0, parcelBytes)
			one.ends = make([]int, 0, 2*parcelEntries)
		}
		one.bytes = append(one.bytes, key...)
		one.ends = append(one.ends, len(one.bytes))
		one.bytes = append(one.bytes, stored...)
		one.ends = append(one.ends, len(one.bytes))
		if len(one.ends) == 2*parcelEntries || len(one.bytes) > parcelBytes*7/8 {
			flush()
		}
		return v.ctx.Err()
	})
	flush()
	return sent, errors.Join(err, v.ctx.Err())
}

// parser makes items of entries. It is not safe for concurrent use.
type parser struct {
	view   *View
	wire   wirePin
	places map[string]*place // by wirePin.appendPlace
	buffer []byte
	data   []byte // of the items of a parcel
}

// parse sets a parcel's items, and drops its bytes.
func (p *parser) parse(one *parcel) {
	made := make([]item, 0, len(one.ends)/2)
	ends := make([]int, 0, cap(made)) // of each item's data
	p.data = p.data[:0]
	start := 0
	for i := 0; i < len(one.ends); i += 2 {
		key, stored := one.bytes[start:one.ends[i]], one.bytes[one.ends[i]:one.ends[i+1]]
		start = one.ends[i+1]
		if it, ok := p.item(key, stored); ok {
			made, ends = append(made, it), append(ends, len(p.data))
		}
	}
	data := string(p.data) // one string for all
	one.items = make([]*item, len(made))
	start = 0
	for i := range made {
		made[i].data = data[start:ends[i]]
		start = ends[i]
		one.items[i] = &made[i]
	}
	one.bytes, one.ends = nil, nil
}

// item makes an item without its data, which it appends to p.data. It returns false
// for an entry that the API does not show, or that cannot be read.
func (p *parser) item(key, stored []byte) (item, bool) {
	w := &p.wire
	if !w.parse(stored) {
		return p.slowItem(key, stored)
	}
	if !pinset.Shown(api.Pin{Type: 1 << w.kind}) {
		return item{}, false
	}
	at, ok := p.place()
	if !ok {
		return p.slowItem(key, stored)
	}
	p.view.options.Memory.Saw(w.size)
	it := item{place: at, created: w.createdOf(key)}
	it.nameAt = uint32(len(key))
	it.metaAt = uint32(len(key) + len(w.name))
	p.data = append(append(p.data, key...), w.name...)
	from := len(p.data)
	p.data = w.appendMeta(p.data)
	if len(p.data)-from > metaMost {
		p.data = append(p.data[:from], summary(p.data[from:])...)
		it.metaAt |= metaLarge
	}
	return it, true
}

// place returns where the parsed pin is held.
func (p *parser) place() (*place, bool) {
	p.buffer = p.wire.appendPlace(p.buffer[:0])
	if at, ok := p.places[string(p.buffer)]; ok {
		return at, true
	}
	stored := api.Pin{Type: api.PinType(1 << p.wire.kind)}
	stored.ReplicationFactorMin, stored.ReplicationFactorMax = int(p.wire.min), int(p.wire.max)
	for _, b := range p.wire.allocations {
		id, err := peer.IDFromBytes(b)
		if err != nil {
			return nil, false
		}
		stored.Allocations = append(stored.Allocations, id)
	}
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	at := p.view.places.of(stored)
	p.places[string(p.buffer)] = at
	return at, true
}

// slowItem is item by the library's own reading of an entry, for what its present
// version does not write.
func (p *parser) slowItem(key, stored []byte) (item, bool) {
	c, err := cid.Cast(key)
	var pin api.Pin
	if err == nil {
		err = pin.ProtoUnmarshal(stored)
	}
	if err != nil {
		logger.Errorf("view of the pinset: an entry of the state cannot be read and is not listed (%x): %s", key, err)
		return item{}, false
	}
	pin.Cid = api.NewCid(c)
	if !pinset.Shown(pin) {
		return item{}, false
	}
	p.view.options.Memory.Saw(sizeOf(pin))
	p.view.mu.Lock()
	at := p.view.places.of(pin)
	p.view.mu.Unlock()
	it := newItem(pin, at)
	p.data = append(p.data, it.data...)
	return *it, true
}
