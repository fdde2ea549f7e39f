package peer

import (
	"context"
	"errors"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded"
)

// ErrNoEmbedded is returned for a folder whose IPFS node is a Kubo.
var ErrNoEmbedded = errors.New("the IPFS node of this peer is a Kubo, which checks its blocks itself: ipfs repo verify")

// VerifyBlocks checks the blocks of a stopped peer's embedded node:
// embedded.VerifyFolder. The error wraps ErrLocked while a peer uses the folder.
func VerifyBlocks(ctx context.Context, folder string, c cid.Cid, repair bool, report func(embedded.Found) error) error {
	return offline(folder, func(s *Settings) error {
		kind, err := s.IPFS()
		if err != nil {
			return err
		}
		if kind != embeddedSection {
			return ErrNoEmbedded
		}
		return embedded.VerifyFolder(ctx, s.Embedded.Value(), s.folder, c, repair, report)
	})
}
