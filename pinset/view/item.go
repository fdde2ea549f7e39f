package view

import (
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// item is one pin of the index. It is packed tightly, since there may be millions, and
// immutable, so that snapshots share it without a lock.
//
// The three parts of data are found by nameAt and metaAt, so that an item needs one
// allocation for all texts, and none when it shares the string of its group (load.go).
type item struct {
	data      string // CID's bytes, name, encoded meta
	placement *placement
	created   int64 // milliseconds since 1970
	// changed is when the view observed a change that peers have to act on, 0 when that
	// was before the view was built.
	changed logicalTime
	nameAt  uint32
	metaAt  uint32 // with metaLarge
}

// metaLarge marks, in metaAt, that data has only a summary of the meta.
const metaLarge = 1 << 31

// newItem packs an entry of the state.
func newItem(stored api.Pin, at *placement) *item {
	meta := encodeMeta(stored.Metadata)
	it := &item{placement: at, created: pinset.CreatedOf(stored.Metadata, stored.Timestamp, stored.Cid.Cid).UnixMilli()}
	key := stored.Cid.KeyString()
	it.nameAt = uint32(len(key))
	it.metaAt = uint32(len(key) + len(stored.Name))
	if len(meta) > maxMeta {
		meta = summary(meta)
		it.metaAt |= metaLarge
	}
	data := make([]byte, 0, len(key)+len(stored.Name)+len(meta))
	data = append(append(append(data, key...), stored.Name...), meta...)
	it.data = string(data)
	return it
}

// sizeOf estimates the size of an entry of the state in memory, in bytes.
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
		return cid.Undef // it was valid when the item was made
	}
	return c
}

// createdAt returns the pin's `created`.
func (it *item) createdAt() time.Time { return time.UnixMilli(it.created).UTC() }

// same reports whether two items are the same pin with the same content.
func (it *item) same(other *item) bool {
	return it.data == other.data && it.nameAt == other.nameAt && it.metaAt == other.metaAt &&
		it.created == other.created && it.placement == other.placement
}
