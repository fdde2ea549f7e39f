package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// markLenient marks the blocks below others whose codec refuses them, as deep as
// they are here. Nothing brings blocks that are missing there, since the pins
// fail, and some of the CIDs may be no links: they do not keep garbage from being
// collected. A damaged block does.
func (g *collector) markLenient(ctx context.Context, refused []cid.Cid, needed *storage.Visited) error {
	todo := slices.Clone(refused)
	for len(todo) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		b, err := g.store.Get(ctx, c)
		var wrong *storage.DamagedError
		switch {
		case errors.As(err, &wrong):
			return fmt.Errorf("%w: %w", errGap, err)
		case ipld.IsNotFound(err):
			continue // deleted meanwhile
		case err != nil:
			return err
		}
		children, err := storage.Links(c, b.RawData())
		if err != nil {
			children = storage.ScanCIDs(c.Type(), b.RawData())
		}
		for _, child := range children {
			// Of a damaged block, the file is here.
			here, err := g.store.Blockstore.Has(ctx, child)
			if err != nil {
				return err
			}
			if !here {
				continue
			}
			if _, follow := needed.Enter(child, storage.Unlimited); follow && storage.HasLinks(child) {
				todo = append(todo, child)
			}
		}
	}
	return nil
}
