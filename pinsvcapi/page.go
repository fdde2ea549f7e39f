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

// page is the answer to a list request. It is written result by result: of the
// large pins only the one that is being sent is in memory.
type page struct {
	*walk
	group []*looked // is next
	first *looked   // of the group, read; nil: it fell out
	sent  int
	bytes int // sent
}

// begin reads what the answer begins with.
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

// load returns a pin of the page with room for it in the request's lease, nil when
// it has fallen out of the filter since it was looked at.
func (p *page) load(ctx context.Context, l *looked) (*looked, error) {
	if !l.large {
		return l, nil
	}
	lease := common.LeaseOf(ctx)
	room := l.room()
	if err := lease.Wait(ctx, room); err != nil {
		return nil, err
	}
	now, done, err := p.lookUp(ctx, l.pin.CID)
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

// room is how much memory a large pin and its result take. The encoder's buffer
// may be twice as large as the result.
func (l *looked) room() int64 { return 3 * int64(l.size) }

// write writes the page. When a pin cannot be read, or finds no room, the page
// ends before it: `count` tells that there are more. An error means that the
// answer is not complete.
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

// writeGroups writes the pin that was read, the rest of its group, and other
// groups while the page has room.
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
			return err
		case err != nil:
			return nil
		}
	}
}

// writeOne writes a result and gives the room of its pin back.
func (p *page) writeOne(ctx context.Context, out *bufio.Writer, encoder *json.Encoder, l *looked) error {
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

// more makes the next group the page's, if it has room for all of it.
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
