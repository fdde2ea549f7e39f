package view

import (
	"strconv"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/tidwall/btree"
)

// index is the pinset in memory. It is not safe for concurrent use.
type index struct {
	byCreated *tree
	byName    *tree
	byCID     *tree
}

// tree is an ordered set of items with counts. A copy takes no time and shares
// what does not change.
type tree = btree.BTreeG[*item]

func newTree(compare func(a, b *item) int) *tree {
	less := func(a, b *item) bool { return compare(a, b) < 0 }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func newIndex() *index {
	return &index{newTree(newestFirst), newTree(byName), newTree(byCID)}
}

// get returns the item of a CID, or nil.
func (x *index) get(key string) *item {
	it, _ := x.byCID.Get(&item{data: key, nameAt: uint32(len(key))})
	return it
}

// put adds an item, in the place of old unless that is nil.
func (x *index) put(it, old *item) {
	if old != nil {
		x.byCreated.Delete(old)
		x.byName.Delete(old)
	}
	x.byCreated.Set(it)
	x.byName.Set(it)
	x.byCID.Set(it)
}

// remove forgets an item that the index has.
func (x *index) remove(it *item) {
	x.byCreated.Delete(it)
	x.byName.Delete(it)
	x.byCID.Delete(it)
}

// rank returns how many items of a tree come before the first of the rest,
// which is a suffix of the order.
func rank(t *tree, rest func(*item) bool) int {
	low, high := 0, t.Len()
	for low < high {
		middle := int(uint(low+high) / 2)
		it, _ := t.GetAt(middle)
		if rest(it) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// places shares the values for where pins are held.
type places struct {
	all    map[string]*place
	board  *board
	buffer []byte
}

// of returns where an entry of the state is held.
func (p *places) of(stored api.Pin) *place {
	b := strconv.AppendInt(p.buffer[:0], int64(stored.ReplicationFactorMin), 10)
	b = append(b, byte(stored.Type>>8), byte(stored.Type))
	everywhere := stored.IsPinEverywhere()
	if !everywhere {
		for _, id := range stored.Allocations {
			b = append(append(b, byte(len(id))), id...)
		}
	}
	p.buffer = b
	if at, ok := p.all[string(b)]; ok {
		return at
	}
	at := &place{least: stored.ReplicationFactorMin, sharded: stored.Type == api.MetaType}
	if !everywhere {
		at.peers = api.PeersToStrings(stored.Allocations)
	}
	if len(at.peers) == 0 {
		at.peers = nil
	}
	for _, id := range at.peers {
		at.holders = append(at.holders, p.board.answer(id))
	}
	p.all[string(b)] = at
	return at
}
