package peer

import (
	"io"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// Options says how to start a peer. Folder is all that is needed.
type Options struct {
	// Folder holds service.json, identity.json and the peer's data.
	Folder string

	// Bootstrap are addresses of peers of a cluster to join, each ending in
	// /p2p/<peer ID>. On Raft, joining gives up the folder's own pinset (the
	// library keeps backups of it). On CRDT, these peers are trusted.
	Bootstrap []multiaddr.Multiaddr

	// NoTrust joins on CRDT without trusting the peers of Bootstrap.
	NoTrust bool

	// Leave has the peer leave the cluster when it is shut down, and give up
	// its pinset, as cluster.leave_on_shutdown does.
	Leave bool

	// Stats and Tracing enable what observations.metrics and
	// observations.tracing describe, whatever those say.
	Stats, Tracing bool

	// AllowUnknownKeys makes keys that nobody knows in our own sections of
	// service.json warnings instead of errors.
	AllowUnknownKeys bool

	// NoView makes lists scan the pinset instead of keeping a view of it in memory, to
	// measure what the view costs.
	NoView bool

	// Scanned is called after a scan of a large pinset, which leaves several times the
	// size of the view as garbage. Nil: the garbage collector finds it.
	Scanned func()

	// Connector replaces the configured way to an IPFS node.
	Connector ipfscluster.IPFSConnector

	// inner wraps the consensus that the peer's own one is built on, for tests.
	inner func(ipfscluster.Consensus) ipfscluster.Consensus

	// Notices gets what an operator should know about the configuration, a
	// line each. Nil: the log, as warnings.
	Notices io.Writer
}

// apply lets the options override what the configuration says.
func (o Options) apply(s *settings.Settings) {
	s.Cluster.LeaveOnShutdown = s.Cluster.LeaveOnShutdown || o.Leave
	s.Metrics.EnableStats = s.Metrics.EnableStats || o.Stats
	s.Tracing.EnableTracing = s.Tracing.EnableTracing || o.Tracing
}
