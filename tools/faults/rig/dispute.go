package rig

import (
	"context"
	"fmt"
	"slices"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
)

// disputesEach is how many pins there are of each kind of dispute.
const disputesEach = 10

// dispute is a pin that both sides write to while they are cut off.
type dispute struct {
	cid  string
	may  []history.Pin // what it can be afterwards
	both string        // created of one that was there before; empty: it was not
}

// Disputes are all of a cut: pins that both sides add, pins that both rename,
// and pins that one side renames and the other removes. The last stay: who
// removes a pin removes what is there, and not a write that it cannot know.
type Disputes struct {
	added, renamed, removed []*dispute
}

// NewDisputes adds the pins that have to be there before the cut.
func NewDisputes(ctx context.Context, c *Client, cut int) (*Disputes, error) {
	d := &Disputes{}
	for _, kind := range []struct {
		name   string
		into   *[]*dispute
		before bool
	}{{"added", &d.added, false}, {"renamed", &d.renamed, true}, {"removed", &d.removed, true}} {
		for i := range disputesEach {
			one := &dispute{cid: InlineCID(fmt.Sprintf("%s %d %d", kind.name, cut, i))}
			*kind.into = append(*kind.into, one)
			if !kind.before {
				continue
			}
			s, err := c.Post(ctx, PinBody{CID: one.cid, Name: "before"})
			if err != nil {
				return nil, err
			}
			one.both = s.Created
		}
	}
	return d, nil
}

// All returns every dispute.
func (d *Disputes) All() []*dispute {
	var all []*dispute
	for _, kind := range [][]*dispute{d.added, d.renamed, d.removed} {
		all = append(all, kind...)
	}
	return all
}

// Write lets both sides write to the same pins.
func (d *Disputes) Write(ctx context.Context, one, other *Client) error {
	for i, p := range d.removed {
		sides := []*Client{one, other}
		if err := sides[i%2].Remove(ctx, p.cid); err != nil {
			return err
		}
		if err := p.put(ctx, sides[1-i%2], "renamed"); err != nil {
			return err
		}
	}
	for _, p := range slices.Concat(d.added, d.renamed) {
		if err := p.put(ctx, one, "by one side"); err != nil {
			return err
		}
		if err := p.put(ctx, other, "by the other side"); err != nil {
			return err
		}
	}
	return nil
}

func (p *dispute) put(ctx context.Context, c *Client, name string) error {
	want := history.Pin{Name: name, Meta: name}
	s, err := c.Post(ctx, BodyOf(p.cid, want))
	if err != nil {
		return err
	}
	if p.both != "" && s.Created != p.both {
		return fmt.Errorf("%s: created was %s and is %s", p.cid, p.both, s.Created)
	}
	want.Created = s.Created
	p.may = append(p.may, want)
	return nil
}

// Settle takes the disputed pins out of what was found, and returns an error
// when one is not wholly what one of the sides has written.
func (d *Disputes) Settle(found map[string]history.Pin) error {
	for _, p := range d.All() {
		got, ok := found[p.cid]
		delete(found, p.cid)
		if !ok {
			return fmt.Errorf("%s is lost, not one of %+v", p.cid, p.may)
		}
		if !slices.Contains(p.may, got) {
			return fmt.Errorf("%s is %+v, not one of %+v", p.cid, got, p.may)
		}
		p.may = []history.Pin{got} // and stays it
	}
	return nil
}
