package peer

import (
	"context"
	"sync"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// startPatience bounds the time in which a cluster with a ready consensus
// becomes ready itself.
const startPatience = 10 * time.Second

// gate keeps the library's cluster from being shut down while it becomes
// ready. Its shutdown holds a lock and waits for the goroutine that becomes
// ready, and that wants the lock: neither ever ends. So the cluster hears of
// the ready consensus through the gate, either well before it is shut down, or
// not at all.
type gate struct {
	open    chan struct{} // closed when the cluster may become ready
	running chan struct{} // closed when it has

	mu     sync.Mutex
	closed bool
	alert  sync.Once
}

func newGate() *gate {
	return &gate{open: make(chan struct{}), running: make(chan struct{})}
}

// pass lets the cluster become ready, unless it is being shut down.
func (g *gate) pass() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	close(g.open)
	return true
}

// close waits while the cluster becomes ready. After that it can be shut down.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	select {
	case <-g.open:
	default:
		return
	}
	select {
	case <-g.running:
	case <-time.After(startPatience):
	}
}

// gatedConsensus is ready when the gate is open.
type gatedConsensus struct {
	ipfscluster.Consensus
	gate *gate
}

// Ready implements ipfscluster.Consensus.
func (c gatedConsensus) Ready(context.Context) <-chan struct{} { return c.gate.open }

// gatedMonitor tells when the cluster has become ready: only then does it wait
// for alerts.
type gatedMonitor struct {
	ipfscluster.PeerMonitor
	gate *gate
}

// Alerts implements ipfscluster.PeerMonitor.
func (m gatedMonitor) Alerts() <-chan api.Alert {
	m.gate.alert.Do(func() { close(m.gate.running) })
	return m.PeerMonitor.Alerts()
}
