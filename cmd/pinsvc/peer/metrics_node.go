package peer

import (
	"context"
	"iter"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/embedded"
)

// measuredNode is what a nodeMeter asks of the embedded IPFS node.
type measuredNode interface {
	RepoStat(context.Context) (api.IPFSRepoStat, error)
	SwarmPeers(context.Context) ([]peer.ID, error)
	Fetches() iter.Seq[embedded.Fetch]
}

// nodeMeter measures the embedded IPFS node.
type nodeMeter struct {
	node measuredNode

	size, limit, peers, fetches, blocks *prometheus.Desc
}

func newNodeMeter(n measuredNode) *nodeMeter {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &nodeMeter{
		node:    n,
		size:    desc("pinsvc_embedded_repository_bytes", "Size of the embedded node's blocks."),
		limit:   desc("pinsvc_embedded_storage_limit_bytes", "What the blocks may become."),
		peers:   desc("pinsvc_embedded_swarm_peers", "Peers that the embedded node is connected to."),
		fetches: desc("pinsvc_embedded_fetches", "Pins that the embedded node is fetching."),
		blocks:  desc("pinsvc_embedded_fetching_blocks", "Blocks so far of the pins that are being fetched."),
	}
}

// Describe implements prometheus.Collector.
func (m *nodeMeter) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.size, m.limit, m.peers, m.fetches, m.blocks} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What the node does not tell in time
// is left out.
func (m *nodeMeter) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	ctx, cancel := context.WithTimeout(context.Background(), tallyPatience)
	defer cancel()
	if stat, err := m.node.RepoStat(ctx); err == nil {
		gauge(m.size, float64(stat.RepoSize))
		gauge(m.limit, float64(stat.StorageMax))
	}
	if peers, err := m.node.SwarmPeers(ctx); err == nil {
		gauge(m.peers, float64(len(peers)))
	}
	var fetches, blocks float64
	for f := range m.node.Fetches() {
		fetches++
		blocks += float64(f.Blocks)
	}
	gauge(m.fetches, fetches)
	gauge(m.blocks, blocks)
}
