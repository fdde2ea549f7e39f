package verify

import (
	"context"
	"errors"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/consensus/shards"
	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// ErrNoEmbedded is returned for a folder whose IPFS node is a Kubo.
var ErrNoEmbedded = errors.New("the IPFS node of this peer is a Kubo, which checks its blocks itself: ipfs repo verify")

// Folder checks the blocks of a stopped peer's embedded node: those of a pin,
// of the parts of a sharded pin that this peer has, or of all pins when c is not
// defined. With repair the pins with bad blocks are noted, so that these blocks are
// fetched when the peer runs; without it nothing is changed. The error wraps
// folder.ErrLocked while a peer uses the folder.
func Folder(ctx context.Context, path string, c cid.Cid, repair bool, report func(restapi.Verified) error) error {
	return folder.Offline(path, func(s *folder.Store) (err error) {
		kind, err := s.IPFS()
		if err != nil {
			return err
		}
		if kind != settings.SectionEmbedded {
			return ErrNoEmbedded
		}
		node, err := embedded.OpenFolder(ctx, s.Embedded.Value(), s.Folder(), repair)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, node.Close()) }()
		if c.Defined() {
			// The pinset is read only for what may be a sharded pin: it may be
			// damaged itself.
			recorded, err := node.Recorded(ctx, c)
			if err != nil {
				return err
			}
			if !recorded {
				return verifyRoot(ctx, s, node, api.NewCid(c), report)
			}
		}
		return node.Verify(ctx, chosen(c), reportTo(report))
	})
}

// verifyRoot verifies the parts of a sharded pin. For another CID the error says
// that it is not pinned.
func verifyRoot(ctx context.Context, s *folder.Store, node *embedded.Folder, c api.Cid, report func(restapi.Verified) error) (err error) {
	id, err := folder.LoadIdentity(s.Folder())
	if err != nil {
		return err
	}
	st, done, err := s.OpenState()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	root, err := isRoot(ctx, st, c)
	if err != nil {
		return err
	}
	if !root {
		return node.Verify(ctx, []cid.Cid{c.Cid}, reportTo(report))
	}
	check := &rootCheck{root: c, peer: id.ID, state: st, node: node, report: report}
	check.keeper = shards.New(shards.Options{
		Peer:  id.ID,
		State: func(context.Context) (state.ReadOnly, error) { return st, nil },
		Block: node.BlockGet,
	})
	defer check.keeper.Close()
	_, err = check.verify(ctx)
	return err
}
