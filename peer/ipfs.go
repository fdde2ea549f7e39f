package peer

import (
	"context"
	"fmt"
	"iter"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/ipfsconn"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/tracker"
)

// userAgent is what the embedded node tells other IPFS nodes that it is.
const userAgent = "pinsvc"

// openConnector makes the way to the IPFS node. A Kubo is connected later,
// when it can be. An embedded node is started, and kept in p.node.
func (p *Peer) openConnector(ctx context.Context) (ipfscluster.IPFSConnector, error) {
	s := p.settings
	kind, err := s.IPFS()
	if err != nil {
		return nil, err
	}
	if kind == settings.SectionKubo {
		c, err := ipfsconn.NewKubo(s.Ipfshttp)
		if err != nil {
			return nil, fmt.Errorf("ipfs_connector.ipfshttp: %w", err)
		}
		return c, nil
	}
	node, err := embedded.New(s.Embedded.Value(), embedded.Options{BaseDir: s.Folder(), UserAgent: userAgent})
	if err == nil {
		err = node.Start(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("ipfs_connector.embedded: %w", err)
	}
	p.node = node
	return node, nil
}

// progress is for wrap.TrackerOptions: nil for a connector that reports none.
func progress(c ipfscluster.IPFSConnector) func(cid.Cid) (blocks, bytes uint64, ok bool) {
	if p, ok := c.(interface {
		Progress(cid.Cid) (blocks, bytes uint64, ok bool)
	}); ok {
		return p.Progress
	}
	return nil
}

// addOrigins is for wrap.TrackerOptions: nil with a Kubo.
func (p *Peer) addOrigins() func(api.Pin) {
	if p.node == nil {
		return nil
	}
	return p.node.AddOrigins
}

// checker is for wrap.TrackerOptions: nil with a Kubo.
func (p *Peer) checker() tracker.Checker {
	if p.node == nil {
		return nil
	}
	return p.node
}

// Embedded tells whether the peer's IPFS node is in this process.
func (p *Peer) Embedded() bool { return p.node != nil }

// Fetches lists the pins that the embedded node is fetching, the oldest first.
// There are none with a Kubo.
func (p *Peer) Fetches() iter.Seq[embedded.Fetch] {
	if p.node == nil {
		return func(func(embedded.Fetch) bool) {}
	}
	return p.node.Fetches()
}
