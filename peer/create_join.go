package peer

import (
	"fmt"
	"strings"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
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
	if len(known) == 0 && exists(path) {
		return nil
	}
	var text strings.Builder
	for _, peer := range known {
		addrs, err := libp2p.AddrInfoToP2pAddrs(&peer)
		if err != nil {
			return fmt.Errorf("writing the peerstore: %w", err)
		}
		for _, addr := range addrs {
			fmt.Fprintln(&text, addr)
		}
	}
	if err := writeText(path, []byte(text.String())); err != nil {
		return fmt.Errorf("writing the peerstore: %w", file(err))
	}
	return nil
}
