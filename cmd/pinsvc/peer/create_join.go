package peer

import (
	"context"
	"fmt"
	"os"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/pstoremgr"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
)

// join writes into new settings which cluster the peer is to be part of.
func (s *Settings) join(o CreateOptions) (err error) {
	s.manager.Source = o.Source
	if o.Secret != "" {
		if s.Cluster.Secret, err = ipfscluster.DecodeClusterSecret(o.Secret); err != nil {
			return fmt.Errorf("cluster.secret: %w", err)
		}
	}
	if len(o.Peers) == 0 {
		return nil
	}
	peers := ipfscluster.PeersFromMultiaddrs(o.Peers)
	if s.Crdt != nil {
		s.Crdt.TrustAll, s.Crdt.TrustedPeers = false, peers
	}
	if s.Raft != nil {
		s.Raft.InitPeerset = peers
	}
	return nil
}

// writePeerstore makes the list of known peers: an empty one, unless there is
// one already, when nobody is known.
func writePeerstore(path string, known []libp2p.AddrInfo) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil && len(known) > 0 {
		err = pstoremgr.New(context.Background(), nil, path).SavePeerstore(known)
	}
	if err != nil {
		return fmt.Errorf("writing the peerstore: %w", err)
	}
	return nil
}
