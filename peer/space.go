package peer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// pinRoom is an error when this peer has to hold a pin and the disk of its
// embedded IPFS node is full. With a Kubo, it is Kubo that knows.
func (p *Peer) pinRoom(pin api.Pin) error {
	if p.node == nil || !pin.IsPinEverywhere() && !slices.Contains(pin.Allocations, p.net.host.ID()) {
		return nil
	}
	return p.node.DiskFull()
}

// diskFull returns which disk of the peer is full, if one is.
func (p *Peer) diskFull() error {
	if p.disk != nil {
		if err := p.disk.Room(); err != nil {
			return err
		}
	}
	if p.node != nil {
		return p.node.DiskFull()
	}
	return nil
}

// fullPatience is how long the end of a peer waits for space on its disk.
const fullPatience = 5 * time.Second

// closeAll undoes the start. On a full disk that may wait for space without end,
// so it is given up then: what was acknowledged is on disk, as after a kill.
func (p *Peer) closeAll(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- p.runClosers(ctx) }()
	for {
		select {
		case err := <-closed:
			return err
		case <-time.After(fullPatience):
			if err := p.diskFull(); err != nil {
				return fmt.Errorf("the disk is full, so that not everything was closed: %w; nothing that was acknowledged is lost", err)
			}
		}
	}
}
