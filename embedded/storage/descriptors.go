package storage

import (
	"context"

	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded/disk"
)

// patient is a block store on files that waits while the process has no
// descriptor for one, where an error would make a pin fail or a block look
// damaged.
type patient struct{ blockstore.Blockstore }

func (p patient) Get(ctx context.Context, c cid.Cid) (b blocks.Block, err error) {
	err = disk.Descriptors(ctx, func() error {
		b, err = p.Blockstore.Get(ctx, c)
		return err
	})
	return b, err
}

func (p patient) Put(ctx context.Context, b blocks.Block) error {
	return disk.Descriptors(ctx, func() error { return p.Blockstore.Put(ctx, b) })
}

func (p patient) DeleteBlock(ctx context.Context, c cid.Cid) error {
	return disk.Descriptors(ctx, func() error { return p.Blockstore.DeleteBlock(ctx, c) })
}

func (p patient) AllKeysChan(ctx context.Context) (keys <-chan cid.Cid, err error) {
	err = disk.Descriptors(ctx, func() error {
		keys, err = p.Blockstore.AllKeysChan(ctx)
		return err
	})
	return keys, err
}
