package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// gap is a block that a pin needs and that is missing, damaged or refused by its
// codec.
type gap struct {
	pin     cid.Cid
	depth   int
	block   cid.Cid
	damaged bool                  // else it is missing,
	refused *storage.RefusedError // unless this is set
}

func (g gap) String() string {
	how := "is missing"
	if g.damaged {
		how = "is damaged"
	}
	if g.refused != nil {
		return fmt.Sprintf("pin %s: %s", g.pin, g.refused)
	}
	return fmt.Sprintf("pin %s: block %s %s", g.pin, g.block, how)
}

// gapsOfPin bounds how many gaps of one pin are listed.
const gapsOfPin = 100

// inspection walks pins and finds what they lack. The blocks with links are
// always read and compared with their hashes.
type inspection struct {
	store *storage.Store
	// whole has the blocks without links read, too; else it is enough that their
	// files are there and that they are not listed as damaged.
	whole bool
	// remember bounds the nodes in memory that other pins need not be walked for.
	remember int
	// read is called after every block, with the bytes that were read. An error
	// ends the inspection.
	read func(ctx context.Context, bytes int) error

	sound  *storage.Visited // nodes below which nothing is missing
	missed uint64           // gaps of all pins, listed or not
}

// pin returns the gaps of one pin, the first gapsOfPin of them.
func (i *inspection) pin(ctx context.Context, root cid.Cid, depth int) (gaps []gap, err error) {
	if i.sound == nil || len(i.sound.Nodes) > i.remember {
		i.sound = storage.NewVisited(i.store.Claims.Hasher)
	}
	own := storage.NewVisited(i.store.Claims.Hasher)
	stack := []node{{cid: root, left: depthLeft(depth)}}
	for len(stack) > 0 {
		if ctx.Err() != nil {
			return gaps, context.Cause(ctx)
		}
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if i.sound.Covers(n.cid, n.left) {
			continue
		}
		if _, follow := own.Enter(n.cid, n.left); !follow {
			continue
		}
		children, err := i.look(ctx, n)
		if ipld.IsNotFound(err) {
			i.missed++
			if len(gaps) < gapsOfPin {
				var wrong *storage.DamagedError
				gaps = append(gaps, gap{pin: root, depth: depth, block: n.cid, damaged: errors.As(err, &wrong)})
			}
			continue
		}
		var refused *storage.RefusedError
		if errors.As(err, &refused) {
			i.missed++
			if len(gaps) < gapsOfPin {
				gaps = append(gaps, gap{pin: root, depth: depth, block: n.cid, refused: refused})
			}
			continue
		}
		if err != nil {
			return gaps, fmt.Errorf("pin %s: %w", root, err)
		}
		for _, c := range children {
			stack = append(stack, node{cid: c, left: storage.Below(n.left)})
		}
	}
	if len(gaps) == 0 {
		i.sound.Absorb(own)
	}
	return gaps, nil
}

// look returns the children of a node. Of a node without any, it reports whether
// the block is there.
func (i *inspection) look(ctx context.Context, n node) ([]cid.Cid, error) {
	follow := n.left != 0 && storage.HasLinks(n.cid)
	if !follow && !i.whole && !i.store.Damaged.Has(n.cid.Hash()) {
		here, err := i.store.Has(ctx, n.cid)
		if err == nil && !here {
			err = ipld.ErrNotFound{Cid: n.cid}
		}
		return nil, errors.Join(err, i.read(ctx, 0))
	}
	b, err := i.store.Get(ctx, n.cid)
	if err != nil {
		return nil, errors.Join(err, i.read(ctx, 0))
	}
	if err := i.read(ctx, len(b.RawData())); err != nil || !follow {
		return nil, err
	}
	return storage.Links(n.cid, b.RawData())
}
