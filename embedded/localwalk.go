package embedded

import (
	"context"

	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// localWalk walks DAGs as far as they are in a store.
type localWalk struct {
	store blockstore.Blockstore
	seen  *storage.Visited // nodes in it are not walked again
	// visit is called for every node once, also for one that is not here.
	visit func(cid.Cid) error
	// unread decides about a node whose links were needed and could not be read:
	// nil goes on with the others.
	unread func(cid.Cid, error) error
}

// walk walks the DAG of one pin.
func (w *localWalk) walk(ctx context.Context, root cid.Cid, depth int) error {
	stack := []node{{cid: root, left: depthLeft(depth)}}
	for len(stack) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		first, follow := w.seen.Enter(n.cid, n.left)
		if first {
			if err := w.visit(n.cid); err != nil {
				return err
			}
		}
		if !follow || n.left == 0 || !storage.HasLinks(n.cid) {
			continue
		}
		children, err := w.children(ctx, n.cid)
		if err != nil {
			if err := w.unread(n.cid, err); err != nil {
				return err
			}
		}
		for _, c := range children {
			stack = append(stack, node{cid: c, left: storage.Below(n.left)})
		}
	}
	return nil
}

func (w *localWalk) children(ctx context.Context, c cid.Cid) ([]cid.Cid, error) {
	b, err := w.store.Get(ctx, c)
	if err != nil {
		return nil, err
	}
	return storage.Links(c, b.RawData())
}
