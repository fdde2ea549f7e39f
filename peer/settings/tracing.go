package settings

import "github.com/libp2p/go-libp2p/core/peer"

// SpreadTracing tells every component what the section says: they have no
// key for it of their own.
func (s *Settings) SpreadTracing(id peer.ID) {
	on := s.Tracing.EnableTracing
	s.Tracing.ClusterID = id.String()
	s.Tracing.ClusterPeername = s.Cluster.Peername
	s.Cluster.Tracing = on
	s.Raft.Tracing = on
	s.Crdt.Tracing = on
	s.Ipfshttp.Tracing = on
	s.Ipfsproxy.Tracing = on
}
