package fakecluster

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Peer1 and Peer2 are the peers of a Native. ResolvedCID is the CID of every path.
var (
	Peer1       = mustPeer("12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo")
	Peer2       = mustPeer("QmXZrtE5jQwXNqCJMfHUTQkvhQ4ZAnqMnmzFMJfLewuabc")
	ResolvedCID = api.NewCid(CID("a"))
)

func mustPeer(text string) peer.ID {
	id, err := peer.Decode(text)
	if err != nil {
		panic(err)
	}
	return id
}

// Native is a restapi.Cluster with one result for each method. Errors come after values.
// It is generic, since the tests of a package cannot import what imports the package:
// Scope is restapi.Scope.
type Native[Scope ~bool] struct {
	Cluster
	Pins  []api.Pin
	Infos []api.GlobalPinInfo
	Added []api.AddedOutput
	// Latest are the metrics of any name.
	Latest []api.Metric
	// Answers are the statuses of single peers; the others are silent.
	Answers map[peer.ID]api.PinInfoShort
}

func (f *Native[Scope]) called(format string, args ...any) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.log(format, args...)
}

func (f *Native[Scope]) first() (p api.Pin, err error) {
	if len(f.Pins) > 0 {
		p = f.Pins[0]
	}
	return p, f.err()
}

func (f *Native[Scope]) info() (info api.GlobalPinInfo, err error) {
	if len(f.Infos) > 0 {
		info = f.Infos[0]
	}
	return info, f.err()
}

func sequence[T any](values []T, errs []error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
		var none T
		for _, err := range errs {
			if !yield(none, err) {
				return
			}
		}
	}
}

// ID implements restapi.Cluster.
func (f *Native[Scope]) ID(context.Context) (api.ID, error) {
	f.called("ID")
	return api.ID{ID: Peer1, Peername: "one"}, f.err()
}

// Version implements restapi.Cluster.
func (f *Native[Scope]) Version(context.Context) (api.Version, error) {
	f.called("Version")
	return api.Version{Version: "1.1.6"}, f.err()
}

// Peers implements restapi.Cluster.
func (f *Native[Scope]) Peers(context.Context) iter.Seq2[api.ID, error] {
	f.called("Peers")
	return sequence([]api.ID{{ID: Peer1}, {ID: Peer2, Error: "no answer"}}, f.Errs)
}

// PeerAdd implements restapi.Cluster.
func (f *Native[Scope]) PeerAdd(_ context.Context, id peer.ID) (api.ID, error) {
	f.called("PeerAdd %s", id)
	return api.ID{ID: id}, f.err()
}

// PeerRemove implements restapi.Cluster.
func (f *Native[Scope]) PeerRemove(_ context.Context, id peer.ID) error {
	f.called("PeerRemove %s", id)
	return f.err()
}

func describe(o api.PinOptions) string {
	return fmt.Sprintf("name=%q mode=%s repl=%d/%d meta=%v to=%v update=%s expires=%t origins=%v",
		o.Name, o.Mode, o.ReplicationFactorMin, o.ReplicationFactorMax, o.Metadata, o.UserAllocations,
		o.PinUpdate, !o.ExpireAt.IsZero(), o.Origins)
}

// Pin implements restapi.Cluster.
func (f *Native[Scope]) Pin(_ context.Context, p api.Pin) (api.Pin, error) {
	f.called("Pin %s depth=%d %s", p.Cid, p.MaxDepth, describe(p.PinOptions))
	return f.first()
}

// Resolve implements restapi.Cluster.
func (f *Native[Scope]) Resolve(_ context.Context, path string) (api.Cid, error) {
	f.called("Resolve %s", path)
	return ResolvedCID, nil
}

// Unpin implements restapi.Cluster.
func (f *Native[Scope]) Unpin(_ context.Context, c api.Cid) (api.Pin, error) {
	f.called("Unpin %s", c)
	return f.first()
}

// Allocation implements restapi.Cluster.
func (f *Native[Scope]) Allocation(_ context.Context, c api.Cid) (api.Pin, error) {
	f.called("Allocation %s", c)
	return f.first()
}

// Allocations implements restapi.Cluster.
func (f *Native[Scope]) Allocations(context.Context) iter.Seq2[api.Pin, error] {
	f.called("Allocations")
	return sequence(f.Pins, f.Errs)
}

// Status implements restapi.Cluster.
func (f *Native[Scope]) Status(_ context.Context, c api.Cid, s Scope) (api.GlobalPinInfo, error) {
	f.called("Status %s local=%t", c, s)
	info, err := f.info()
	info.Cid = c
	return info, err
}

// StatusAt implements restapi.Cluster.
func (f *Native[Scope]) StatusAt(_ context.Context, c api.Cid, id peer.ID) (api.PinInfo, error) {
	f.called("StatusAt %s %s", c, id)
	if s, ok := f.Answers[id]; ok {
		return api.PinInfo{Cid: c, Peer: id, PinInfoShort: s}, nil
	}
	return api.PinInfo{}, pinset.Unavailable("silent", nil)
}

// StatusAll implements restapi.Cluster.
func (f *Native[Scope]) StatusAll(_ context.Context, filter api.TrackerStatus, s Scope) iter.Seq2[api.GlobalPinInfo, error] {
	f.called("StatusAll %d local=%t", filter, s)
	return sequence(f.Infos, f.Errs)
}

// Recover implements restapi.Cluster.
func (f *Native[Scope]) Recover(_ context.Context, c api.Cid, s Scope) (api.GlobalPinInfo, error) {
	f.called("Recover %s local=%t", c, s)
	return f.info()
}

// RecoverAll implements restapi.Cluster.
func (f *Native[Scope]) RecoverAll(_ context.Context, s Scope) iter.Seq2[api.GlobalPinInfo, error] {
	f.called("RecoverAll local=%t", s)
	return sequence(f.Infos, f.Errs)
}

// ConnectGraph implements restapi.Cluster.
func (f *Native[Scope]) ConnectGraph(context.Context) (api.ConnectGraph, error) {
	f.called("ConnectGraph")
	return api.ConnectGraph{ClusterID: Peer1}, f.err()
}

// Alerts implements restapi.Cluster.
func (f *Native[Scope]) Alerts(context.Context) ([]api.Alert, error) {
	f.called("Alerts")
	return nil, f.err()
}

// Bandwidth implements restapi.Cluster.
func (f *Native[Scope]) Bandwidth(context.Context) (api.BandwidthByProtocol, error) {
	f.called("Bandwidth")
	return api.BandwidthByProtocol{"p": {TotalIn: 1}}, f.err()
}

// MetricNames implements restapi.Cluster.
func (f *Native[Scope]) MetricNames(context.Context) ([]string, error) {
	f.called("MetricNames")
	return []string{"ping"}, f.err()
}

// Metrics implements restapi.Cluster.
func (f *Native[Scope]) Metrics(_ context.Context, name string) ([]api.Metric, error) {
	f.called("Metrics %s", name)
	return f.Latest, f.err()
}

// CollectGarbage implements restapi.Cluster.
func (f *Native[Scope]) CollectGarbage(_ context.Context, s Scope) (api.GlobalRepoGC, error) {
	f.called("CollectGarbage local=%t", s)
	return api.GlobalRepoGC{PeerMap: map[string]api.RepoGC{}}, f.err()
}

// Add implements restapi.Cluster.
func (f *Native[Scope]) Add(_ context.Context, content files.Directory, p api.AddParams) iter.Seq2[api.AddedOutput, error] {
	for it := content.Entries(); it.Next(); {
		text, _ := io.ReadAll(it.Node().(io.Reader))
		f.called("Add %s %q shard=%t local=%t %s", it.Name(), text, p.Shard, p.Local, describe(p.PinOptions))
	}
	return sequence(f.Added, f.Errs)
}
