package pinsvcapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// page is the response of a list. It is written result by result, so that only one
// large pin is in memory, the one that is being sent.
type page struct {
	*walk
	// group are the next pins. They have the same `created`, and are all sent or none.
	group []*listed
	// first is the complete pin that the page begins with. Nil: the page is empty.
	first *listed
	// sent and bytes are the number and the size of the results so far.
	sent, bytes int
}

// begin reads the first pin of the page.
func (p *page) begin(ctx context.Context) (err error) {
	for p.first == nil {
		if p.group, err = p.walk.group(ctx, p.limit); err != nil || len(p.group) == 0 {
			return err
		}
		for len(p.group) > 0 && p.first == nil && err == nil {
			p.first, err = p.load(ctx, p.group[0])
			p.group = p.group[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// load returns a complete pin of the page, with memory for it in the request's lease,
// or nil when it no longer passes the filter.
func (p *page) load(ctx context.Context, l *listed) (*listed, error) {
	if !l.large {
		return l, nil
	}
	lease := common.LeaseOf(ctx)
	room := l.room()
	if err := lease.Wait(ctx, room); err != nil {
		return nil, err
	}
	now, done, err := p.readStored(ctx, l.pin.CID)
	if err == nil {
		defer done()
	}
	switch {
	case errors.Is(err, pinset.ErrNotFound), err == nil && !p.passes(now, l.pin.Candidate()):
		lease.Shrink(room)
		p.count--
		return nil, nil
	case err != nil:
		lease.Shrink(room)
		return nil, err
	}
	l.pin = now
	l.pin.Before = pinset.Before{}
	l.size = pinSize(now) + statusSize(l.pinStatus)
	if err := lease.Grow(l.room() - room); err != nil { // it has grown
		l.pin = pinset.Pin{}
		lease.Shrink(room)
		return nil, err
	}
	return l, nil
}

// room is the memory that a large pin and its result take, in bytes. The encoder's
// buffer may be twice as large as the result.
func (l *listed) room() int64 { return 3 * int64(l.size) }

// write writes the page. It ends early, before a pin that cannot be read or for which
// memory is short; the client sees by `count` that there are more. After an error the
// response is not complete.
func (p *page) write(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 16<<10)
	if _, err := out.WriteString(`{"results":[`); err != nil {
		return err
	}
	if p.first != nil {
		if err := p.writeGroups(ctx, out); err != nil {
			return err
		}
	}
	if p.sent == 0 {
		p.count = 0 // clients fail on a count without results
	}
	end, err := json.Marshal(p.count)
	if err != nil {
		return err
	}
	_, _ = out.WriteString(`],"count":`)
	_, _ = out.Write(end)
	_, _ = out.WriteString("}\n")
	return out.Flush() // has the error of all of them
}

// writeGroups writes the first pin, the rest of its group, and further groups while the
// page has room.
func (p *page) writeGroups(ctx context.Context, out *bufio.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	defer p.runAhead(ctx, p.limit-1-len(p.group))() // beside the pin that was read, and its group
	inside := false                                 // of a group
	for l := p.first; ; {
		if l != nil {
			if err := p.writeOne(ctx, out, encoder, l); err != nil {
				return err
			}
			inside = true
		}
		if len(p.group) == 0 {
			inside = false
			if !p.more(ctx) {
				return nil
			}
		}
		var err error
		l, err = p.load(ctx, p.group[0])
		p.group = p.group[1:]
		switch {
		case err != nil && inside:
			return err // a page cannot end inside of a group
		case err != nil:
			return nil
		}
	}
}

// writeOne writes a result and returns the memory of its pin.
func (p *page) writeOne(ctx context.Context, out *bufio.Writer, encoder *json.Encoder, l *listed) error {
	if p.sent > 0 {
		_ = out.WriteByte(',') // the encoder has the error
	}
	p.sent++
	p.bytes += l.size
	err := encoder.Encode(toWire(l.pinStatus))
	p.drop(l)
	if l.large {
		common.LeaseOf(ctx).Shrink(l.room())
	}
	return err
}

// more reads the next group, and reports whether the page has room for all of it.
func (p *page) more(ctx context.Context) bool {
	if p.sent >= p.limit {
		return false
	}
	group, err := p.walk.group(ctx, p.limit-p.sent)
	if err != nil || len(group) == 0 || p.sent+len(group) > p.limit && p.sent > 0 {
		return false
	}
	bytes := p.bytes
	for _, l := range group {
		bytes += l.size
	}
	if bytes > pageBytes && p.sent > 0 {
		return false
	}
	p.group = group
	return true
}
