package view

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// groupSize is how many items of a new index share their allocations, and so are freed
// together.
const groupSize = 64

// load builds an index from items in any order, fastest in that of byCID. Items are copied
// in list order, which makes lists and scans sequential in memory: filters that visit all
// items take eight times as long at a million pins without that. The three trees are built
// concurrently.
func load(items []*item) *index {
	x := newIndex()
	packed, ready := make([]*item, len(items)), make(chan struct{})
	var trees sync.WaitGroup
	for _, other := range []struct {
		tree  *tree
		order func([]*item) []int32
	}{{x.byName, orderByName}, {x.byCID, orderByCID}} {
		trees.Go(func() {
			order := other.order(items)
			<-ready
			fill(other.tree, packed, order)
		})
	}
	order := orderByCreated(items)
	pack(items, packed, order)
	close(ready)
	fill(x.byCreated, packed, order)
	trees.Wait()
	return x
}

// fill adds items to an empty tree in its order. BTreeG.Load appends, and leaves every node
// half full: a tree of items that are all loaded takes 19 bytes for each. Here every second
// item is inserted afterwards, between two others, which fills the nodes: 9 bytes.
func fill(t *tree, items []*item, order []int32) {
	for i := 0; i < len(order); i += 2 {
		t.Load(items[order[i]])
	}
	var hint btree.PathHint
	for i := 1; i < len(order); i += 2 {
		t.SetHint(items[order[i]], &hint)
	}
}

// ranked is the position of an item with a key that decides most comparisons.
type ranked struct {
	first uint64
	at    int32
}

// rankBy sorts the positions of items by first, and then by compare. Most comparisons are
// decided by first, which is beside the position in memory, and need no look at the items.
func rankBy(items []*item, first func(*item) uint64, compare func(a, b *item) int) []int32 {
	ranks := make([]ranked, len(items))
	for i, it := range items {
		ranks[i] = ranked{first(it), int32(i)}
	}
	slices.SortFunc(ranks, func(a, b ranked) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return compare(items[a.at], items[b.at])
	})
	order := make([]int32, len(items))
	for i, r := range ranks {
		order[i] = r.at
	}
	return order
}

func orderByCreated(items []*item) []int32 {
	return rankBy(items, func(it *item) uint64 { return ^(uint64(it.created) ^ 1<<63) }, newestFirst)
}

func orderByName(items []*item) []int32 {
	return rankBy(items, func(it *item) uint64 {
		var first uint64
		name := it.name()
		for i := range 8 {
			first <<= 8
			if i < len(name) {
				first |= uint64(name[i])
			}
		}
		return first
	}, byName)
}

// orderByCID returns the identity if the items are sorted, as those of a datastore are.
func orderByCID(items []*item) []int32 {
	if !slices.IsSortedFunc(items, byCID) {
		return rankBy(items, func(*item) uint64 { return 0 }, byCID)
	}
	order := make([]int32, len(items))
	for i := range order {
		order[i] = int32(i)
	}
	return order
}

// pack copies items to contiguous memory in the given order. The copy of items[i] is
// packed[i].
func pack(items, packed []*item, order []int32) {
	var text strings.Builder
	for len(order) > 0 {
		n := min(groupSize, len(order))
		size := 0
		for _, i := range order[:n] {
			size += len(items[i].data)
		}
		text.Grow(size)
		for _, i := range order[:n] {
			text.WriteString(items[i].data)
		}
		data := text.String()
		text.Reset()
		together := make([]item, n)
		for k, i := range order[:n] {
			together[k] = *items[i]
			together[k].data, data = data[:len(items[i].data)], data[len(items[i].data):]
			packed[i] = &together[k]
		}
		order = order[n:]
	}
}
