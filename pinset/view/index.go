package view

import "github.com/tidwall/btree"

// index has the pinset in three orders. It is not safe for concurrent use.
type index struct {
	byCreated *tree
	byName    *tree
	byCID     *tree
}

// tree is a B-tree that counts its items, so that a position is found in logarithmic
// time. Copies are copy-on-write and take constant time.
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

// put adds an item and removes old, the previous item of the CID, unless it is nil.
func (x *index) put(it, old *item) {
	if old != nil {
		x.byCreated.Delete(old)
		x.byName.Delete(old)
	}
	x.byCreated.Set(it)
	x.byName.Set(it)
	x.byCID.Set(it)
}

// remove removes an item of the index.
func (x *index) remove(it *item) {
	x.byCreated.Delete(it)
	x.byName.Delete(it)
	x.byCID.Delete(it)
}

// rank is a binary search. It returns the position of the first item for which rest is true. rest must be
// false and then true in the order of the tree.
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
