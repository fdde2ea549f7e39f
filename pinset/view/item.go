package view

import (
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// item is one pin, as small as it gets: a million of them are in memory. It is
// never changed, so that lists can share it.
type item struct {
	data    string // CID's bytes, name, encoded meta
	place   *place
	created int64 // milliseconds since 1970
	// changed is when the view heard of a change that peers have to follow,
	// 0 when it was before the view was built.
	changed moment
	nameAt  uint32
	metaAt  uint32 // with metaLarge
}

// metaLarge marks, in metaAt, that data has only a summary of the meta.
const metaLarge = 1 << 31

// place is where pins are held. Few differ, so that items share them.
type place struct {
	peers   []string // nil: all members
	least   int
	sharded bool
	holders []*answer // of peers
}

// newItem packs an entry of the state.
func newItem(stored api.Pin, at *place) *item {
	meta := encodeMeta(stored.Metadata)
	it := &item{place: at, created: pinset.CreatedOf(stored.Metadata, stored.Timestamp, stored.Cid.Cid).UnixMilli()}
	key := stored.Cid.KeyString()
	it.nameAt = uint32(len(key))
	it.metaAt = uint32(len(key) + len(stored.Name))
	if len(meta) > metaMost {
		meta = summary(meta)
		it.metaAt |= metaLarge
	}
	data := make([]byte, 0, len(key)+len(stored.Name)+len(meta))
	data = append(append(append(data, key...), stored.Name...), meta...)
	it.data = string(data)
	return it
}

// sizeOf returns about how many bytes an entry of the state has in memory.
func sizeOf(stored api.Pin) int {
	n := len(stored.Name)
	for k, v := range stored.Metadata {
		n += len(k) + len(v)
	}
	for _, o := range stored.Origins {
		n += len(o.Bytes())
	}
	return n
}

func (it *item) key() string  { return it.data[:it.nameAt] }
func (it *item) name() string { return it.data[it.nameAt : it.metaAt&^metaLarge] }
func (it *item) meta() string { return it.data[it.metaAt&^metaLarge:] }
func (it *item) large() bool  { return it.metaAt&metaLarge != 0 }

// cid returns the pin's CID.
func (it *item) cid() cid.Cid {
	c, err := cid.Cast([]byte(it.key()))
	if err != nil {
		return cid.Undef // it was a CID when it came
	}
	return c
}

// createdAt returns the pin's `created`.
func (it *item) createdAt() time.Time { return time.UnixMilli(it.created).UTC() }

// same tells whether two items stand for the same pin with the same content.
func (it *item) same(other *item) bool {
	return it.data == other.data && it.nameAt == other.nameAt && it.metaAt == other.metaAt &&
		it.created == other.created && it.place == other.place
}
