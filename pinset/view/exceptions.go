package view

import "github.com/tidwall/btree"

// exceptions are the pins that are not pinned, by status, each status in the
// order of a list: so that a page of one, and how many there are, cost
// logarithms.
type exceptions struct {
	by [3]exception
}

// exception is one status that is not pinned, and the pins that have it.
type exception struct {
	status status
	pins   *tree
}

func newExceptions() *exceptions {
	x := &exceptions{}
	for i, s := range [3]status{queued, pinning, failed} {
		x.by[i] = exception{s, newTree(newestFirst)}
	}
	return x
}

func (x *exceptions) len() (n int) {
	for _, e := range x.by {
		n += e.pins.Len()
	}
	return n
}

// copy takes no time.
func (x *exceptions) copy() *exceptions {
	c := &exceptions{}
	for i, e := range x.by {
		c.by[i] = exception{e.status, e.pins.Copy()}
	}
	return c
}

// of returns those whose status is one of a set, without empty ones.
func (x *exceptions) of(set status) []exception {
	var out []exception
	for _, e := range x.by {
		if e.status&set != 0 && e.pins.Len() > 0 {
			out = append(out, e)
		}
	}
	return out
}

// status returns what was noted for a pin: pinned, if nothing was.
func (x *exceptions) status(it *item) status {
	for _, e := range x.by {
		if e.pins.Len() > 0 {
			if _, ok := e.pins.Get(it); ok {
				return e.status
			}
		}
	}
	return pinned
}

// set notes the status of a pin. Pinned ones are not kept.
func (x *exceptions) set(it *item, s status) {
	for _, e := range x.by {
		switch {
		case e.status == s:
			e.pins.Set(it)
		case e.pins.Len() > 0:
			e.pins.Delete(it)
		}
	}
}

func (x *exceptions) remove(it *item) { x.set(it, pinned) }

// each calls fn for every one of them.
func (x *exceptions) each(fn func(*item)) {
	for _, e := range x.by {
		e.pins.Scan(func(it *item) bool {
			fn(it)
			return true
		})
	}
}

// beside goes through the exceptions beside items in the same order.
type beside struct {
	lines []besideLine
}

type besideLine struct {
	status status
	iter   btree.IterG[*item]
	more   bool
}

// follow begins beside an item.
func (x *exceptions) follow(first *item) *beside {
	b := &beside{}
	for _, e := range x.of(anyStatus) {
		l := besideLine{status: e.status, iter: e.pins.Iter()}
		l.more = l.iter.Seek(first)
		b.lines = append(b.lines, l)
	}
	return b
}

// status returns the status of an item, which comes after the last one.
func (b *beside) status(it *item) status {
	for i := range b.lines {
		for l := &b.lines[i]; l.more; l.more = l.iter.Next() {
			other := l.iter.Item()
			if other == it {
				return l.status
			}
			if newestFirst(other, it) > 0 {
				break
			}
		}
	}
	return pinned
}
