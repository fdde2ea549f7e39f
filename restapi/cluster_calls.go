package restapi

import (
	"context"
	"iter"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// rpcCluster is the Cluster behind a peer's RPC.
type rpcCluster struct {
	client *clientHolder
	adds   ShardedAdds  // nil: nobody is told
	room   func() error // nil: there always is
}

// nothing is the argument of calls that have none.
type nothing = struct{}

// ID implements Cluster.
func (c *rpcCluster) ID(ctx context.Context) (api.ID, error) {
	return call[api.ID](ctx, c.client, "Cluster", "ID", nothing{})
}

// Version implements Cluster.
func (c *rpcCluster) Version(ctx context.Context) (api.Version, error) {
	return call[api.Version](ctx, c.client, "Cluster", "Version", nothing{})
}

// Peers implements Cluster. A peer that does not answer is there with an error.
func (c *rpcCluster) Peers(ctx context.Context) iter.Seq2[api.ID, error] {
	return stream[api.ID, nothing](ctx, c.client, "Peers")
}

// PeerAdd implements Cluster.
func (c *rpcCluster) PeerAdd(ctx context.Context, id peer.ID) (api.ID, error) {
	return call[api.ID](ctx, c.client, "Cluster", "PeerAdd", id)
}

// PeerRemove implements Cluster.
func (c *rpcCluster) PeerRemove(ctx context.Context, id peer.ID) error {
	_, err := call[nothing](ctx, c.client, "Cluster", "PeerRemove", id)
	return err
}

// Pin implements Cluster.
func (c *rpcCluster) Pin(ctx context.Context, p api.Pin) (api.Pin, error) {
	return call[api.Pin](ctx, c.client, "Cluster", "Pin", p)
}

// Resolve implements Cluster.
func (c *rpcCluster) Resolve(ctx context.Context, path string) (api.Cid, error) {
	return call[api.Cid](ctx, c.client, "IPFSConnector", "Resolve", path)
}

// Unpin implements Cluster.
func (c *rpcCluster) Unpin(ctx context.Context, ci api.Cid) (api.Pin, error) {
	pin, err := call[api.Pin](ctx, c.client, "Cluster", "Unpin", api.PinCid(ci))
	if err == nil || !pinset.LostClusterDAG(err) {
		return pin, err
	}
	// The library does not remove the root of a sharded add whose cluster DAG is
	// lost. Its peer's consensus does.
	if pin, err = c.Allocation(ctx, ci); err != nil {
		return pin, err
	}
	_, err = call[nothing](ctx, c.client, "Consensus", "LogUnpin", api.PinCid(ci))
	return pin, err
}

// Allocation implements Cluster.
func (c *rpcCluster) Allocation(ctx context.Context, ci api.Cid) (api.Pin, error) {
	return call[api.Pin](ctx, c.client, "Cluster", "PinGet", ci)
}

// Allocations implements Cluster.
func (c *rpcCluster) Allocations(ctx context.Context) iter.Seq2[api.Pin, error] {
	return stream[api.Pin, nothing](ctx, c.client, "Pins")
}

// Status implements Cluster.
func (c *rpcCluster) Status(ctx context.Context, ci api.Cid, s Scope) (api.GlobalPinInfo, error) {
	return c.ask(ctx, ci, s, "Status")
}

// StatusAt implements Cluster.
func (c *rpcCluster) StatusAt(ctx context.Context, ci api.Cid, id peer.ID) (api.PinInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return callAt[api.PinInfo](ctx, c.client, id, "PinTracker", "Status", ci)
}

// Recover implements Cluster.
func (c *rpcCluster) Recover(ctx context.Context, ci api.Cid, s Scope) (api.GlobalPinInfo, error) {
	return c.ask(ctx, ci, s, "Recover")
}

// ask makes a call that exists for this peer and for all of them.
func (c *rpcCluster) ask(ctx context.Context, ci api.Cid, s Scope, method string) (api.GlobalPinInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, peersTimeout)
	defer cancel()
	if s == Everywhere {
		info, err := call[api.GlobalPinInfo](ctx, c.client, "Cluster", method, ci)
		if err == nil && nobodyAsked(info) {
			return c.askAll(ctx, info, method)
		}
		return info, err
	}
	info, err := call[api.PinInfo](ctx, c.client, "Cluster", method+"Local", ci)
	return info.ToGlobal(), err
}

// nobodyAsked reports whether no peer has to have a pin, as the library has it.
func nobodyAsked(info api.GlobalPinInfo) bool {
	for _, s := range info.PeerMap {
		if s.Status != api.TrackerStatusRemote {
			return false
		}
	}
	return len(info.PeerMap) > 0
}

// askAll asks all peers about the root of a sharded add. Its parts are on some of
// them, and it has no allocations of its own, for which the library asks nobody
// unless it is to be pinned everywhere.
func (c *rpcCluster) askAll(ctx context.Context, info api.GlobalPinInfo, method string) (api.GlobalPinInfo, error) {
	pin, err := c.Allocation(ctx, info.Cid)
	if err != nil || pin.Type != api.MetaType {
		return info, err
	}
	var mu sync.Mutex
	var group errgroup.Group
	all := make(map[string]api.PinInfoShort, len(info.PeerMap))
	for text, short := range info.PeerMap {
		group.Go(func() error {
			id, err := peer.Decode(text)
			if err == nil {
				var answer api.PinInfo
				if answer, err = callAt[api.PinInfo](ctx, c.client, id, "PinTracker", method, info.Cid); err == nil {
					short = answer.PinInfoShort
				}
			}
			if err != nil {
				short.Status, short.Error = api.TrackerStatusClusterError, err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			all[text] = short
			return nil
		})
	}
	_ = group.Wait() // always nil
	info.PeerMap = all
	return info, nil
}

// StatusAll implements Cluster.
func (c *rpcCluster) StatusAll(ctx context.Context, filter api.TrackerStatus, s Scope) iter.Seq2[api.GlobalPinInfo, error] {
	if s == Local {
		return global(stream[api.PinInfo](ctx, c.client, "StatusAllLocal", filter))
	}
	return stream[api.GlobalPinInfo](ctx, c.client, "StatusAll", filter)
}

// RecoverAll implements Cluster.
func (c *rpcCluster) RecoverAll(ctx context.Context, s Scope) iter.Seq2[api.GlobalPinInfo, error] {
	if s == Local {
		return global(stream[api.PinInfo, nothing](ctx, c.client, "RecoverAllLocal"))
	}
	return stream[api.GlobalPinInfo, nothing](ctx, c.client, "RecoverAll")
}

// global makes what one peer says look like what all say.
func global(infos iter.Seq2[api.PinInfo, error]) iter.Seq2[api.GlobalPinInfo, error] {
	return func(yield func(api.GlobalPinInfo, error) bool) {
		for info, err := range infos {
			if !yield(info.ToGlobal(), err) {
				return
			}
		}
	}
}

// ConnectGraph implements Cluster.
func (c *rpcCluster) ConnectGraph(ctx context.Context) (api.ConnectGraph, error) {
	return call[api.ConnectGraph](ctx, c.client, "Cluster", "ConnectGraph", nothing{})
}

// Alerts implements Cluster.
func (c *rpcCluster) Alerts(ctx context.Context) ([]api.Alert, error) {
	return call[[]api.Alert](ctx, c.client, "Cluster", "Alerts", nothing{})
}

// Bandwidth implements Cluster.
func (c *rpcCluster) Bandwidth(ctx context.Context) (api.BandwidthByProtocol, error) {
	return call[api.BandwidthByProtocol](ctx, c.client, "Cluster", "BandwidthByProtocol", nothing{})
}

// MetricNames implements Cluster.
func (c *rpcCluster) MetricNames(ctx context.Context) ([]string, error) {
	return call[[]string](ctx, c.client, "PeerMonitor", "MetricNames", nothing{})
}

// Metrics implements Cluster.
func (c *rpcCluster) Metrics(ctx context.Context, name string) ([]api.Metric, error) {
	return call[[]api.Metric](ctx, c.client, "PeerMonitor", "LatestMetrics", name)
}

// CollectGarbage implements Cluster.
func (c *rpcCluster) CollectGarbage(ctx context.Context, s Scope) (api.GlobalRepoGC, error) {
	if s == Everywhere {
		return call[api.GlobalRepoGC](ctx, c.client, "Cluster", "RepoGC", nothing{})
	}
	gc, err := call[api.RepoGC](ctx, c.client, "Cluster", "RepoGCLocal", nothing{})
	return api.GlobalRepoGC{PeerMap: map[string]api.RepoGC{gc.Peer.String(): gc}}, err
}
