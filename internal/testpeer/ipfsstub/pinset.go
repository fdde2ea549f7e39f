package ipfsstub

import (
	"slices"
	"sync"

	"github.com/ipfs/go-cid"
)

// mode is how a CID is pinned, in Kubo's words.
type mode string

const (
	recursive mode = "recursive"
	direct    mode = "direct"
)

// entry is a pin, with its line of a streamed pin/ls made once: lists of a
// million pins are asked for many times.
type entry struct {
	cid  cid.Cid
	mode mode
	line string
}

func newEntry(c cid.Cid, m mode) entry {
	return entry{cid: c, mode: m, line: `{"Cid":"` + c.String() + `","Type":"` + string(m) + "\"}\n"}
}

// pinset is the memory of what is pinned. The zero value is empty.
type pinset struct {
	mu   sync.RWMutex
	pins map[cid.Cid]entry
}

func (p *pinset) add(m mode, cids ...cid.Cid) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pins == nil {
		p.pins = make(map[cid.Cid]entry, len(cids))
	}
	for _, c := range cids {
		p.pins[c] = newEntry(c, m)
	}
}

// remove returns whether there was anything to remove.
func (p *pinset) remove(c cid.Cid) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.pins[c]
	delete(p.pins, c)
	return ok
}

// get returns the pin of a CID when it has one of the modes.
func (p *pinset) get(c cid.Cid, modes ...mode) (entry, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	e, ok := p.pins[c]
	return e, ok && slices.Contains(modes, e.mode)
}

func (p *pinset) len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.pins)
}

// list returns the pins of the modes. It is a copy, so that a slow reader
// holds up nobody.
func (p *pinset) list(modes ...mode) []entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := make([]entry, 0, len(p.pins))
	for _, e := range p.pins {
		if slices.Contains(modes, e.mode) {
			out = append(out, e)
		}
	}
	return out
}
