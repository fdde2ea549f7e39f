package embedded

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// ID gives the node's peer ID and all its addresses, each with /p2p/<peer ID>.
func (n *Node) ID(ctx context.Context) (api.IPFSID, error) {
	_, leave, err := n.enter(ctx)
	if err != nil {
		return api.IPFSID{Error: err.Error()}, err
	}
	defer leave()
	host := n.net.Host
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: host.ID(), Addrs: host.Addrs()})
	if err != nil {
		return api.IPFSID{}, err
	}
	id := api.IPFSID{ID: host.ID(), Addresses: make([]api.Multiaddr, 0, len(addrs))}
	for _, a := range addrs {
		id.Addresses = append(id.Addresses, api.NewMultiaddrWithValue(a))
	}
	return id, nil
}

// Listens gives the addresses that the node has bound, with ports instead of 0.
// There are none before Start.
func (n *Node) Listens() []string {
	_, leave, err := n.enter(context.Background())
	if err != nil {
		return nil
	}
	defer leave()
	var out []string
	for _, a := range n.net.Host.Network().ListenAddresses() {
		if _, relayed := a.ValueForProtocol(ma.P_CIRCUIT); relayed != nil {
			out = append(out, a.String())
		}
	}
	return out
}

// SwarmPeers lists the peers that the node is connected to.
func (n *Node) SwarmPeers(ctx context.Context) ([]peer.ID, error) {
	_, leave, err := n.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return n.net.Host.Network().Peers(), nil
}

// ConnectSwarms connects to the IPFS nodes of all cluster peers, best effort,
// and keeps these connections from being trimmed.
func (n *Node) ConnectSwarms(ctx context.Context) error {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	client := n.client.Load()
	if client == nil {
		return errors.New("not connected to the cluster yet")
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout.Std())
	defer cancel()

	in := make(chan struct{})
	close(in)
	peers := make(chan api.ID)
	var failed error
	var group sync.WaitGroup
	group.Go(func() {
		failed = client.Stream(ctx, "", "Cluster", "Peers", in, peers)
	})
	for p := range peers {
		if p.Error == "" && p.IPFS.Error == "" {
			group.Go(func() { n.net.ConnectSibling(ctx, p.IPFS) })
		}
	}
	group.Wait()
	return failed
}

// connectLater runs ConnectSwarms after the configured delay and then from time
// to time, until the node stops. At first the pauses are short: a peer that has
// just been started knows few others.
func (n *Node) connectLater() {
	pause := n.cfg.ConnectSwarmsDelay.Std()
	if pause == 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			if err := n.ConnectSwarms(n.ctx); err != nil {
				logger.Debugf("connecting the IPFS nodes of cluster peers: %s", err)
			}
			timer.Reset(pause)
			pause = min(2*pause, swarmsInterval)
		case <-n.ctx.Done():
			return
		}
	}
}

// swarmsInterval is the longest time between two rounds of connecting cluster
// peers: a peer that was away is connected again within it, from either side.
const swarmsInterval = 5 * time.Minute

// maxHints bounds how often origins are added to a pin in progress.
const maxHints = 8

// AddOrigins dials more origins for a pin that is in progress, until it ends: a
// fetch that misses blocks asks them, too. Without such a pin it does nothing. It
// does not wait.
func (n *Node) AddOrigins(pin api.Pin) {
	n.jobs.mu.Lock()
	j, ok := n.jobs.jobs[pin.Cid.Cid]
	n.jobs.mu.Unlock()
	if !ok || len(pin.Origins) == 0 || j.hints.Add(1) > maxHints {
		return
	}
	ctx, leave, err := n.enter(n.ctx)
	if err != nil {
		return
	}
	go func() {
		defer leave()
		defer n.net.DialOrigins(ctx, pin.Origins)()
		select {
		case <-j.ended:
		case <-ctx.Done():
		}
	}()
}
