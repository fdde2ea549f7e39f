package restapi

import (
	"context"
	"iter"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/ipfs-cluster/pinsvc/internal/clusterrpc"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// rpcCluster is the Cluster that calls a peer by RPC.
type rpcCluster struct {
	client *clusterrpc.Client
	adds   ShardedAdds  // nil: sharded adds are not tracked
	room   func() error // nil: there is always space
}

// ID implements Cluster.
func (c *rpcCluster) ID(ctx context.Context) (api.ID, error) {
	return cluster[api.ID](ctx, c, "ID", nothing{})
}

// Version implements Cluster.
func (c *rpcCluster) Version(ctx context.Context) (api.Version, error) {
	return cluster[api.Version](ctx, c, "Version", nothing{})
}

// Peers implements Cluster. A peer that does not answer is listed with an error.
func (c *rpcCluster) Peers(ctx context.Context) iter.Seq2[api.ID, error] {
	return stream[api.ID, nothing](ctx, c, "Peers")
}

// PeerAdd implements Cluster.
func (c *rpcCluster) PeerAdd(ctx context.Context, id peer.ID) (api.ID, error) {
	return cluster[api.ID](ctx, c, "PeerAdd", id)
}

// PeerRemove implements Cluster.
func (c *rpcCluster) PeerRemove(ctx context.Context, id peer.ID) error {
	_, err := cluster[nothing](ctx, c, "PeerRemove", id)
	return err
}

// Pin implements Cluster.
func (c *rpcCluster) Pin(ctx context.Context, p api.Pin) (api.Pin, error) {
	return cluster[api.Pin](ctx, c, "Pin", p)
}

// Resolve implements Cluster.
func (c *rpcCluster) Resolve(ctx context.Context, path string) (api.Cid, error) {
	return call[api.Cid](ctx, c, clusterrpc.Method{Service: "IPFSConnector", Name: "Resolve"}, path)
}

// Unpin implements Cluster.
func (c *rpcCluster) Unpin(ctx context.Context, ci api.Cid) (api.Pin, error) {
	pin, err := cluster[api.Pin](ctx, c, "Unpin", api.PinCid(ci))
	if err == nil || !pinset.LostClusterDAG(err) {
		return pin, err
	}
	// The library cannot remove the root of a sharded add whose cluster DAG is
	// lost. The consensus can.
	if pin, err = c.Allocation(ctx, ci); err != nil {
		return pin, err
	}
	_, err = call[nothing](ctx, c, clusterrpc.Method{Service: "Consensus", Name: "LogUnpin"}, api.PinCid(ci))
	return pin, err
}

// Allocation implements Cluster.
func (c *rpcCluster) Allocation(ctx context.Context, ci api.Cid) (api.Pin, error) {
	return cluster[api.Pin](ctx, c, "PinGet", ci)
}

// Allocations implements Cluster.
func (c *rpcCluster) Allocations(ctx context.Context) iter.Seq2[api.Pin, error] {
	return stream[api.Pin, nothing](ctx, c, "Pins")
}

// Status implements Cluster.
func (c *rpcCluster) Status(ctx context.Context, ci api.Cid, s Scope) (api.GlobalPinInfo, error) {
	return c.scoped(ctx, ci, s, "Status")
}

// StatusAt implements Cluster.
func (c *rpcCluster) StatusAt(ctx context.Context, ci api.Cid, id peer.ID) (api.PinInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return call[api.PinInfo](ctx, c, trackerOf(id, "Status"), ci)
}

// Recover implements Cluster.
func (c *rpcCluster) Recover(ctx context.Context, ci api.Cid, s Scope) (api.GlobalPinInfo, error) {
	return c.scoped(ctx, ci, s, "Recover")
}

// scoped calls a method of which the Cluster component has one for all peers and one for its own.
func (c *rpcCluster) scoped(ctx context.Context, ci api.Cid, s Scope, method string) (api.GlobalPinInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, peersTimeout)
	defer cancel()
	if s == Everywhere {
		info, err := cluster[api.GlobalPinInfo](ctx, c, method, ci)
		if err == nil && noHolder(info) {
			return c.queryAll(ctx, info, method)
		}
		return info, err
	}
	info, err := cluster[api.PinInfo](ctx, c, method+"Local", ci)
	return info.ToGlobal(), err
}

// noHolder reports whether the library has queried no peer, since none has to have the pin.
func noHolder(info api.GlobalPinInfo) bool {
	for _, s := range info.PeerMap {
		if s.Status != api.TrackerStatusRemote {
			return false
		}
	}
	return len(info.PeerMap) > 0
}

// queryAll queries all peers about the root of a sharded add. Its parts are at some of
// them, but it has no allocations of its own, for which the library queries no peer
// unless the pin is for all of them.
func (c *rpcCluster) queryAll(ctx context.Context, info api.GlobalPinInfo, method string) (api.GlobalPinInfo, error) {
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
				if answer, err = call[api.PinInfo](ctx, c, trackerOf(id, method), info.Cid); err == nil {
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
		return global(stream[api.PinInfo](ctx, c, "StatusAllLocal", filter))
	}
	return stream[api.GlobalPinInfo](ctx, c, "StatusAll", filter)
}

// RecoverAll implements Cluster.
func (c *rpcCluster) RecoverAll(ctx context.Context, s Scope) iter.Seq2[api.GlobalPinInfo, error] {
	if s == Local {
		return global(stream[api.PinInfo, nothing](ctx, c, "RecoverAllLocal"))
	}
	return stream[api.GlobalPinInfo, nothing](ctx, c, "RecoverAll")
}

// global translates the statuses of one peer to those of a cluster.
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
	return cluster[api.ConnectGraph](ctx, c, "ConnectGraph", nothing{})
}

// Alerts implements Cluster.
func (c *rpcCluster) Alerts(ctx context.Context) ([]api.Alert, error) {
	return cluster[[]api.Alert](ctx, c, "Alerts", nothing{})
}

// Bandwidth implements Cluster.
func (c *rpcCluster) Bandwidth(ctx context.Context) (api.BandwidthByProtocol, error) {
	return cluster[api.BandwidthByProtocol](ctx, c, "BandwidthByProtocol", nothing{})
}

// MetricNames implements Cluster.
func (c *rpcCluster) MetricNames(ctx context.Context) ([]string, error) {
	return call[[]string](ctx, c, clusterrpc.Method{Service: "PeerMonitor", Name: "MetricNames"}, nothing{})
}

// Metrics implements Cluster.
func (c *rpcCluster) Metrics(ctx context.Context, name string) ([]api.Metric, error) {
	return call[[]api.Metric](ctx, c, clusterrpc.Method{Service: "PeerMonitor", Name: "LatestMetrics"}, name)
}

// CollectGarbage implements Cluster.
func (c *rpcCluster) CollectGarbage(ctx context.Context, s Scope) (api.GlobalRepoGC, error) {
	if s == Everywhere {
		return cluster[api.GlobalRepoGC](ctx, c, "RepoGC", nothing{})
	}
	gc, err := cluster[api.RepoGC](ctx, c, "RepoGCLocal", nothing{})
	return api.GlobalRepoGC{PeerMap: map[string]api.RepoGC{gc.Peer.String(): gc}}, err
}
