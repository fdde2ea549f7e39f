// Package history remembers what a Pinning Service has acknowledged, to be
// compared with what it has after something went wrong.
//
// A write that was not answered may have happened or not: both are right, until
// somebody has looked. Nobody writes to a CID that another writer is writing to.
package history

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Pin is a pin as clients see it; the zero value is no pin.
type Pin struct {
	Name    string
	Meta    string // of one key
	Created string // RFC 3339, empty in a Write: whatever the service gives
}

// there tells whether it is a pin.
func (p Pin) there() bool { return p != Pin{} }

// History is what was acknowledged. All methods are safe for concurrent use.
type History struct {
	mu      sync.Mutex
	entries map[string]*entry
}

// entry is what is known of one CID.
type entry struct {
	last Pin   // acknowledged or seen
	open []Pin // not answered: one of these, or last
}

// New returns an empty history.
func New() *History {
	return &History{entries: make(map[string]*entry)}
}

// Write notes that a pin is about to be sent, or its removal when after is the
// zero value. What comes of it is told to the Change, or never.
func (l *History) Write(cid string, after Pin) *Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[cid]
	if !ok {
		e = &entry{}
		l.entries[cid] = e
	}
	if after.there() {
		after.Created = e.last.Created
	}
	e.open = append(e.open, after)
	return &Change{l, e, after}
}

// Change is a write that is under way.
type Change struct {
	history *History
	entry   *entry
	after   Pin
}

// Acknowledged notes a success. Created is what the answer says, empty for a
// removal. It returns an error when a pin that was there has another one now.
func (c *Change) Acknowledged(created string) error {
	c.history.mu.Lock()
	defer c.history.mu.Unlock()
	before := c.entry.last.Created
	c.entry.last, c.entry.open = c.after, nil
	if !c.after.there() {
		return nil
	}
	c.entry.last.Created = created
	if before != "" && before != created {
		return fmt.Errorf("created was %s and is %s", before, created)
	}
	return nil
}

// NotFound notes that a pin that was to be removed is not there. It returns an
// error when it has to be: then it was lost.
func (c *Change) NotFound() error {
	c.history.mu.Lock()
	defer c.history.mu.Unlock()
	e := c.entry
	// The removal itself is open and left out: it has changed nothing.
	i := slices.Index(e.open, c.after)
	others := slices.Delete(slices.Clone(e.open), i, i+1)
	if e.last.there() && !slices.Contains(others, Pin{}) {
		return fmt.Errorf("not found, although %+v was acknowledged", e.last)
	}
	e.last, e.open = Pin{}, nil
	return nil
}

// Refused notes that nothing was changed.
func (c *Change) Refused() {
	c.history.mu.Lock()
	defer c.history.mu.Unlock()
	if i := slices.Index(c.entry.open, c.after); i >= 0 {
		c.entry.open = slices.Delete(c.entry.open, i, i+1)
	}
}

// Knows tells whether a CID was ever written to.
func (l *History) Knows(cid string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.entries[cid]
	return ok
}

// Present returns how many pins were acknowledged and are not removed.
func (l *History) Present() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.entries {
		if e.last.there() {
			n++
		}
	}
	return n
}

// Differences is what is wrong with a pinset.
type Differences struct {
	Lost    []string // acknowledged and not there
	Back    []string // removed and there, or never sent
	Changed []string // there with another name, meta or created
}

// None tells whether nothing is wrong.
func (d Differences) None() bool { return len(d.Lost)+len(d.Back)+len(d.Changed) == 0 }

// String tells the first of each kind.
func (d Differences) String() string {
	text := ""
	for _, kind := range []struct {
		name string
		all  []string
	}{{"lost", d.Lost}, {"back", d.Back}, {"changed", d.Changed}} {
		if len(kind.all) > 0 {
			text += fmt.Sprintf("%d %s (%s) ", len(kind.all), kind.name, kind.all[0])
		}
	}
	return text
}

// Check compares a pinset, by CID, with what was acknowledged. No write may be
// under way. What was not answered is from then on as it was found.
func (l *History) Check(found map[string]Pin) Differences {
	l.mu.Lock()
	defer l.mu.Unlock()
	var d Differences
	for _, cid := range slices.Sorted(maps.Keys(l.entries)) {
		l.entries[cid].check(cid, found[cid], &d)
	}
	for _, cid := range slices.Sorted(maps.Keys(found)) {
		if _, ok := l.entries[cid]; !ok {
			d.Back = append(d.Back, cid+" was never sent")
		}
	}
	return d
}

func (e *entry) check(cid string, got Pin, d *Differences) {
	for _, may := range append([]Pin{e.last}, e.open...) {
		if may.there() && got.there() && may.Created == "" {
			may.Created = got.Created // nobody was told
		}
		if may == got {
			e.last, e.open = got, nil
			return
		}
	}
	switch what := fmt.Sprintf("%s: %+v, not %+v %+v", cid, got, e.last, e.open); {
	case !got.there():
		d.Lost = append(d.Lost, what)
	case !e.last.there() && len(e.open) == 0:
		d.Back = append(d.Back, what)
	default:
		d.Changed = append(d.Changed, what)
	}
}
