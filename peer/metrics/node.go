package metrics

import (
	"context"
	"iter"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs-cluster/pinsvc/embedded"
)

// measuredNode is the part of embedded.Node that a Node reads. It is an interface so that
// tests can replace it.
type measuredNode interface {
	RepoStat(context.Context) (api.IPFSRepoStat, error)
	SwarmPeers(context.Context) ([]peer.ID, error)
	Fetches() iter.Seq[embedded.Fetch]
	Health(context.Context) (embedded.Health, error)
}

// Node measures the embedded IPFS node.
type Node struct {
	node measuredNode

	size, limit, peers, fetches, blocks              *prometheus.Desc
	checkedBlocks, checkedBytes, queued, share, last *prometheus.Desc
	damaged, found, healed, incomplete               *prometheus.Desc
}

// NewNode returns the collector of an embedded node. A peer whose node is a Kubo has none:
// Kubo has a metrics endpoint of its own.
func NewNode(n measuredNode) *Node {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &Node{
		node:    n,
		size:    desc("pinsvc_embedded_repository_bytes", "Size of the embedded node's blocks."),
		limit:   desc("pinsvc_embedded_storage_limit_bytes", "What the blocks may become."),
		peers:   desc("pinsvc_embedded_swarm_peers", "Peers that the embedded node is connected to."),
		fetches: desc("pinsvc_embedded_fetches", "Pins that the embedded node is fetching."),
		blocks:  desc("pinsvc_embedded_fetching_blocks", "Blocks so far of the pins that are being fetched."),

		checkedBlocks: desc("pinsvc_embedded_checked_blocks_total", "Blocks that checks have read and compared with their hashes."),
		checkedBytes:  desc("pinsvc_embedded_checked_bytes_total", "Bytes that checks have read."),
		queued:        desc("pinsvc_embedded_queued_checks", "Pins that wait for a check of their blocks."),
		share:         desc("pinsvc_embedded_check_pass_ratio", "How much of the slow check's pass under way is done, from 0 to 1."),
		last:          desc("pinsvc_embedded_check_pass_timestamp_seconds", "When the slow check last completed a pass."),
		damaged:       desc("pinsvc_embedded_damaged_blocks", "Blocks that are known to be damaged and were not fetched again yet."),
		found:         desc("pinsvc_embedded_found_damaged_blocks_total", "Blocks that were found damaged."),
		healed:        desc("pinsvc_embedded_healed_blocks_total", "Damaged blocks that were written anew."),
		incomplete:    desc("pinsvc_embedded_incomplete_pins", "Pins that lack blocks and count as not pinned."),
	}
}

// all returns every description, in the order of the fields.
func (m *Node) all() []*prometheus.Desc {
	return []*prometheus.Desc{m.size, m.limit, m.peers, m.fetches, m.blocks, m.checkedBlocks, m.checkedBytes, m.queued,
		m.share, m.last, m.damaged, m.found, m.healed, m.incomplete}
}

// Describe implements prometheus.Collector.
func (m *Node) Describe(to chan<- *prometheus.Desc) {
	for _, d := range m.all() {
		to <- d
	}
}

// Collect implements prometheus.Collector. A value that the node does not return within
// tallyTimeout is left out: a gap in a graph is better than a scrape that fails, and with
// it all other metrics.
func (m *Node) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	ctx, cancel := context.WithTimeout(context.Background(), tallyTimeout)
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
	if h, err := m.node.Health(ctx); err == nil {
		m.health(h, gauge, to)
	}
}

// health sends the metrics about the blocks on disk.
func (m *Node) health(h embedded.Health, gauge func(*prometheus.Desc, float64), to chan<- prometheus.Metric) {
	total := func(d *prometheus.Desc, value uint64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value))
	}
	total(m.checkedBlocks, h.CheckedBlocks)
	total(m.checkedBytes, h.CheckedBytes)
	total(m.found, h.Found)
	total(m.healed, h.Healed)
	gauge(m.queued, float64(h.Queued))
	gauge(m.share, h.Share)
	// Before the first pass has ended there is no timestamp: 0 would be a pass in 1970, and
	// raise an alert about its age.
	if !h.Ended.IsZero() {
		gauge(m.last, float64(h.Ended.Unix()))
	}
	// A refused pin has all its blocks, but counts as not pinned like an incomplete one.
	gauge(m.damaged, float64(h.Damaged))
	gauge(m.incomplete, float64(h.IncompletePins+h.RefusedPins))
}
