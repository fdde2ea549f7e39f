package embedded

import (
	"context"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// provided streams the CIDs to announce again.
func (n *Node) provided(ctx context.Context) (<-chan cid.Cid, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan cid.Cid)
	go func() {
		defer leave()
		defer close(out)
		w := &localWalk{
			store:  n.store,
			seen:   storage.NewVisited(n.claims.Hasher),
			visit:  func(c cid.Cid) error { return send(ctx, out, c) },
			unread: func(cid.Cid, error) error { return nil },
		}
		err := n.pins.each(ctx, func(c cid.Cid, depth int) error {
			if n.cfg.Provide == provideRoots {
				depth = direct
			}
			return w.walk(ctx, c, depth)
		})
		if err != nil && ctx.Err() == nil {
			logger.Warnf("listing what to provide: %s", err)
		}
	}()
	return out, nil
}

func send(ctx context.Context, out chan<- cid.Cid, c cid.Cid) error {
	select {
	case out <- c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
