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

// Options of Folder. The zero value checks all pins and changes nothing.
type Options struct {
	// CID, if defined, is the only pin that is checked. Of a sharded pin the parts are
	// checked that this peer has.
	CID cid.Cid
	// Repair notes the pins with bad blocks, so that these blocks are fetched when the
	// peer runs.
	Repair bool
}

// Folder checks the blocks of a stopped peer's embedded node. report is called from time
// to time with the totals so far, and at the end; an error that it returns ends the check.
// The error wraps folder.ErrLocked while a peer uses the folder, and ErrNoEmbedded for a
// peer with a Kubo.
func Folder(ctx context.Context, path string, o Options, report func(restapi.Verified) error) error {
	c := o.CID
	return folder.Offline(path, func(s *folder.Store) (err error) {
		kind, err := s.IPFS()
		if err != nil {
			return err
		}
		if kind != settings.SectionEmbedded {
			return ErrNoEmbedded
		}
		node, err := embedded.OpenFolder(ctx, s.Embedded.Value(), s.Folder(), o.Repair)
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
				return offline{s, node, report}.root(ctx, api.NewCid(c))
			}
		}
		return node.Verify(ctx, chosen(c), reportTo(report))
	})
}

// offline is a check in the folder of a stopped peer, which is locked for as long.
type offline struct {
	store  *folder.Store
	node   *embedded.Folder
	report func(restapi.Verified) error
}

// root checks the parts of a sharded pin. For another CID the error says that it is not
// pinned.
func (o offline) root(ctx context.Context, c api.Cid) (err error) {
	id, err := folder.LoadIdentity(o.store.Folder())
	if err != nil {
		return err
	}
	st, done, err := o.store.OpenState()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	root, err := isRoot(ctx, st, c)
	if err != nil {
		return err
	}
	if !root {
		return o.node.Verify(ctx, []cid.Cid{c.Cid}, reportTo(o.report))
	}
	check := &rootCheck{root: c, peer: id.ID, state: st, node: o.node, report: o.report}
	check.keeper = shards.New(shards.Options{
		Peer:  id.ID,
		State: func(context.Context) (state.ReadOnly, error) { return st, nil },
		Block: o.node.BlockGet,
	})
	defer check.keeper.Close()
	_, err = check.verify(ctx)
	return err
}
