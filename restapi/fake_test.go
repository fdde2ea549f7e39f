package restapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

var (
	peer1 = mustPeer("12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo")
	peer2 = mustPeer("QmXZrtE5jQwXNqCJMfHUTQkvhQ4ZAnqMnmzFMJfLewuabc")
	cidA  = testCID("a")
	cidB  = testCID("b")
)

func mustPeer(text string) peer.ID {
	id, err := peer.Decode(text)
	if err != nil {
		panic(err)
	}
	return id
}

func testCID(text string) api.Cid {
	h, err := multihash.Sum([]byte(text), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return api.NewCid(cid.NewCidV1(cid.Raw, h))
}

// fakeCluster has one answer for each question, and remembers what it was
// asked. Its errors come after the values.
type fakeCluster struct {
	mu    sync.Mutex
	asked []string

	pins  []api.Pin
	infos []api.GlobalPinInfo
	added []api.AddedOutput
	errs  []error

	metrics []api.Metric
	answers map[peer.ID]api.PinInfoShort // of single peers; the others are silent
}

func (f *fakeCluster) ask(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

func (f *fakeCluster) err() error { return errors.Join(f.errs...) }

func (f *fakeCluster) first() (p api.Pin, err error) {
	if len(f.pins) > 0 {
		p = f.pins[0]
	}
	return p, f.err()
}

func (f *fakeCluster) info() (info api.GlobalPinInfo, err error) {
	if len(f.infos) > 0 {
		info = f.infos[0]
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

func (f *fakeCluster) ID(context.Context) (api.ID, error) {
	f.ask("ID")
	return api.ID{ID: peer1, Peername: "one"}, f.err()
}

func (f *fakeCluster) Version(context.Context) (api.Version, error) {
	f.ask("Version")
	return api.Version{Version: "1.1.6"}, f.err()
}

func (f *fakeCluster) Peers(context.Context) iter.Seq2[api.ID, error] {
	f.ask("Peers")
	return sequence([]api.ID{{ID: peer1}, {ID: peer2, Error: "no answer"}}, f.errs)
}

func (f *fakeCluster) PeerAdd(_ context.Context, id peer.ID) (api.ID, error) {
	f.ask("PeerAdd %s", id)
	return api.ID{ID: id}, f.err()
}

func (f *fakeCluster) PeerRemove(_ context.Context, id peer.ID) error {
	f.ask("PeerRemove %s", id)
	return f.err()
}

func describe(o api.PinOptions) string {
	return fmt.Sprintf("name=%q mode=%s repl=%d/%d meta=%v to=%v update=%s expires=%t origins=%v",
		o.Name, o.Mode, o.ReplicationFactorMin, o.ReplicationFactorMax, o.Metadata, o.UserAllocations,
		o.PinUpdate, !o.ExpireAt.IsZero(), o.Origins)
}

func (f *fakeCluster) Pin(_ context.Context, p api.Pin) (api.Pin, error) {
	f.ask("Pin %s depth=%d %s", p.Cid, p.MaxDepth, describe(p.PinOptions))
	return f.first()
}

func (f *fakeCluster) Resolve(_ context.Context, path string) (api.Cid, error) {
	f.ask("Resolve %s", path)
	return cidA, nil
}

func (f *fakeCluster) Unpin(_ context.Context, c api.Cid) (api.Pin, error) {
	f.ask("Unpin %s", c)
	return f.first()
}

func (f *fakeCluster) Allocation(_ context.Context, c api.Cid) (api.Pin, error) {
	f.ask("Allocation %s", c)
	return f.first()
}

func (f *fakeCluster) Allocations(context.Context) iter.Seq2[api.Pin, error] {
	f.ask("Allocations")
	return sequence(f.pins, f.errs)
}

func (f *fakeCluster) Status(_ context.Context, c api.Cid, s Scope) (api.GlobalPinInfo, error) {
	f.ask("Status %s local=%t", c, s)
	info, err := f.info()
	info.Cid = c
	return info, err
}

func (f *fakeCluster) StatusAt(_ context.Context, c api.Cid, id peer.ID) (api.PinInfo, error) {
	f.ask("StatusAt %s %s", c, id)
	if s, ok := f.answers[id]; ok {
		return api.PinInfo{Cid: c, Peer: id, PinInfoShort: s}, nil
	}
	return api.PinInfo{}, pinset.Unavailable("silent", nil)
}

func (f *fakeCluster) StatusAll(_ context.Context, filter api.TrackerStatus, s Scope) iter.Seq2[api.GlobalPinInfo, error] {
	f.ask("StatusAll %d local=%t", filter, s)
	return sequence(f.infos, f.errs)
}

func (f *fakeCluster) Recover(_ context.Context, c api.Cid, s Scope) (api.GlobalPinInfo, error) {
	f.ask("Recover %s local=%t", c, s)
	return f.info()
}

func (f *fakeCluster) RecoverAll(_ context.Context, s Scope) iter.Seq2[api.GlobalPinInfo, error] {
	f.ask("RecoverAll local=%t", s)
	return sequence(f.infos, f.errs)
}

func (f *fakeCluster) ConnectGraph(context.Context) (api.ConnectGraph, error) {
	f.ask("ConnectGraph")
	return api.ConnectGraph{ClusterID: peer1}, f.err()
}

func (f *fakeCluster) Alerts(context.Context) ([]api.Alert, error) {
	f.ask("Alerts")
	return nil, f.err()
}

func (f *fakeCluster) Bandwidth(context.Context) (api.BandwidthByProtocol, error) {
	f.ask("Bandwidth")
	return api.BandwidthByProtocol{"p": {TotalIn: 1}}, f.err()
}

func (f *fakeCluster) MetricNames(context.Context) ([]string, error) {
	f.ask("MetricNames")
	return []string{"ping"}, f.err()
}

func (f *fakeCluster) Metrics(_ context.Context, name string) ([]api.Metric, error) {
	f.ask("Metrics %s", name)
	return f.metrics, f.err()
}

func (f *fakeCluster) CollectGarbage(_ context.Context, s Scope) (api.GlobalRepoGC, error) {
	f.ask("CollectGarbage local=%t", s)
	return api.GlobalRepoGC{PeerMap: map[string]api.RepoGC{}}, f.err()
}

func (f *fakeCluster) Add(_ context.Context, content files.Directory, p api.AddParams) iter.Seq2[api.AddedOutput, error] {
	for it := content.Entries(); it.Next(); {
		text, _ := io.ReadAll(it.Node().(io.Reader))
		f.ask("Add %s %q shard=%t local=%t %s", it.Name(), text, p.Shard, p.Local, describe(p.PinOptions))
	}
	return sequence(f.added, f.errs)
}

// testAPI is the handler on a fake cluster, open to everybody.
type testAPI struct {
	t       testing.TB
	cluster *fakeCluster
	*API
}

func newTestAPI(t testing.TB, opts ...Option) *testAPI {
	t.Helper()
	f := &fakeCluster{}
	a, err := New(DefaultConfig(), append([]Option{WithCluster(f)}, opts...)...)
	require.NoError(t, err)
	return &testAPI{t: t, cluster: f, API: a}
}

// do sends a request, and returns the answer and what the cluster was asked.
func (a *testAPI) do(method, target, body string, header ...string) (*httptest.ResponseRecorder, []string) {
	a.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a.cluster.asked = nil
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w, a.cluster.asked
}

var _ http.Handler = (*API)(nil)
