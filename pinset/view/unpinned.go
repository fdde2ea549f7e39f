package view

import "github.com/tidwall/btree"

// unpinnedIndex has the pins that are not pinned, one tree per status in list order, so
// that a page of one status and its count cost logarithmic time.
type unpinnedIndex struct {
	by [3]unpinnedSet
}

// unpinnedSet has the pins of one status.
type unpinnedSet struct {
	status status
	pins   *tree
}

func newUnpinnedIndex() *unpinnedIndex {
	x := &unpinnedIndex{}
	for i, s := range [3]status{queued, pinning, failed} {
		x.by[i] = unpinnedSet{s, newTree(newestFirst)}
	}
	return x
}

func (x *unpinnedIndex) len() (n int) {
	for _, s := range x.by {
		n += s.pins.Len()
	}
	return n
}

// copy is copy-on-write: it takes constant time.
func (x *unpinnedIndex) copy() *unpinnedIndex {
	c := &unpinnedIndex{}
	for i, s := range x.by {
		c.by[i] = unpinnedSet{s.status, s.pins.Copy()}
	}
	return c
}

// of returns the sets, without empty ones, whose status is in wanted.
func (x *unpinnedIndex) of(wanted status) []unpinnedSet {
	var out []unpinnedSet
	for _, s := range x.by {
		if s.status&wanted != 0 && s.pins.Len() > 0 {
			out = append(out, s)
		}
	}
	return out
}

// status returns the stored status of a pin, pinned if there is none.
func (x *unpinnedIndex) status(it *item) status {
	for _, s := range x.by {
		if s.pins.Len() > 0 {
			if _, ok := s.pins.Get(it); ok {
				return s.status
			}
		}
	}
	return pinned
}

// set stores the status of a pin.
func (x *unpinnedIndex) set(it *item, st status) {
	for _, s := range x.by {
		switch {
		case s.status == st:
			s.pins.Set(it)
		case s.pins.Len() > 0:
			s.pins.Delete(it)
		}
	}
}

func (x *unpinnedIndex) remove(it *item) { x.set(it, pinned) }

// each calls fn for every pin that is not pinned.
func (x *unpinnedIndex) each(fn func(*item)) {
	for _, s := range x.by {
		s.pins.Scan(func(it *item) bool {
			fn(it)
			return true
		})
	}
}

// mergeCursor yields the statuses of items that are visited in list order, by advancing
// one cursor per set of unpinned pins: cheaper than three lookups per item.
type mergeCursor struct {
	cursors []cursor
}

type cursor struct {
	status status
	iter   btree.IterG[*item]
	more   bool
}

// cursorAt returns a cursor for a visit that begins at first.
func (x *unpinnedIndex) cursorAt(first *item) *mergeCursor {
	m := &mergeCursor{}
	for _, s := range x.of(anyStatus) {
		c := cursor{status: s.status, iter: s.pins.Iter()}
		c.more = c.iter.Seek(first)
		m.cursors = append(m.cursors, c)
	}
	return m
}

// status returns the status of an item that comes after the previous one in list order.
func (m *mergeCursor) status(it *item) status {
	for i := range m.cursors {
		for c := &m.cursors[i]; c.more; c.more = c.iter.Next() {
			other := c.iter.Item()
			if other == it {
				return c.status
			}
			if newestFirst(other, it) > 0 {
				break
			}
		}
	}
	return pinned
}
