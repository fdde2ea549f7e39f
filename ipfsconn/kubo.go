package ipfsconn

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/ipfs/go-cid"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"go.opencensus.io/stats"
	"go.opencensus.io/trace"

	"github.com/ipfs-cluster/pinsvc/internal/hidden"
)

// maxKuboOrigins is how many origins of a pin a Kubo is told to connect to.
const maxKuboOrigins = 10

// errKuboStalled is the cause with which a pin ends that makes no progress.
var errKuboStalled = errors.New("no progress")

// Kubo is the library's connector to a Kubo daemon with a Pin of its own, which
// returns the reason of a failure that comes after the first progress line, and
// knows how far each pin is. Everything else is the library's.
type Kubo struct {
	*ipfshttp.Connector
	cfg  *ipfshttp.Config
	api  string // the URL of the daemon's RPC API
	http *http.Client
	rpc  atomic.Pointer[rpc.Client]

	pinned     *int64  // the library's count of the daemon's pins, for its metric
	operations *uint64 // the library's count towards informer_trigger_interval

	mu      sync.Mutex
	fetches map[cid.Cid]*kuboFetch // the pins in progress
}

// NewKubo returns a connector to the daemon at cfg.NodeAddr (TCP or a Unix
// socket). It connects later. The error is about the configuration.
func NewKubo(cfg *ipfshttp.Config) (*Kubo, error) {
	inner, err := ipfshttp.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	k := &Kubo{Connector: inner, cfg: cfg, fetches: make(map[cid.Cid]*kuboFetch)}
	k.http, k.api, err = kuboClient(cfg)
	if err == nil {
		k.pinned, err = hidden.Field[int64](inner, "ipfsPinCount")
	}
	if err == nil {
		k.operations, err = hidden.Field[uint64](inner, "updateMetricCount")
	}
	if err != nil {
		return nil, errors.Join(err, inner.Shutdown(context.Background()))
	}
	return k, nil
}

// SetClient implements ipfscluster.Component.
func (k *Kubo) SetClient(client *rpc.Client) {
	k.rpc.Store(client)
	k.Connector.SetClient(client)
}

// Shutdown implements ipfscluster.Component. Pins end with their contexts.
func (k *Kubo) Shutdown(ctx context.Context) error {
	k.http.CloseIdleConnections()
	return k.Connector.Shutdown(ctx)
}

// Pin pins at the daemon as deep as pin.MaxDepth says, and tells it to connect to
// the first ten origins meanwhile. An error is the daemon's reason, that no block
// arrived for pin_timeout, the connection's, or the context's.
func (k *Kubo) Pin(ctx context.Context, pin api.Pin) error {
	ctx, span := trace.StartSpan(ctx, "ipfsconn/ipfshttp/Pin")
	defer span.End()
	status, err := k.PinLsCid(ctx, pin)
	switch {
	case err != nil:
		return err
	case status.IsPinned(pin.MaxDepth):
		return nil
	case k.updates(ctx, pin):
		return k.Connector.Pin(ctx, pin)
	}
	k.trigger(ctx)
	defer k.trigger(ctx)
	stats.Record(ctx, observations.PinsPinAdd.M(1))
	if err := k.fetch(ctx, pin); err != nil {
		if ctx.Err() == nil { // one that was ended from outside has not failed
			stats.Record(ctx, observations.PinsPinAddError.M(1))
		}
		return err
	}
	stats.Record(ctx, observations.PinsIpfsPins.M(atomic.AddInt64(k.pinned, 1)))
	logger.Debugf("pinned %s", pin.Cid)
	return nil
}

// updates reports whether a pin is an update of another pin that the daemon has. The
// library makes it in one request, without progress.
func (k *Kubo) updates(ctx context.Context, pin api.Pin) bool {
	from := pin.PinUpdate
	if !from.Defined() {
		return false
	}
	status, err := k.PinLsCid(ctx, api.PinCid(from))
	return err == nil && status.IsPinned(-1)
}

// fetch runs one pin/add until it ends, or makes no progress for pin_timeout.
func (k *Kubo) fetch(ctx context.Context, pin api.Pin) error {
	attempt, cancel := context.WithCancelCause(ctx)
	var dials sync.WaitGroup
	defer dials.Wait()
	defer cancel(nil)
	f := newKuboFetch(k.cfg.PinTimeout, func() { cancel(errKuboStalled) })
	defer f.stop()
	defer k.enter(pin.Cid.Cid, f)()
	for _, origin := range pin.Origins[:min(len(pin.Origins), maxKuboOrigins)] {
		dials.Go(func() { k.dial(attempt, origin) })
	}
	err := k.pinAdd(attempt, pin, f)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(context.Cause(attempt), errKuboStalled):
		return f.stalled()
	}
	return err
}

// enter registers a fetch for Progress until the returned function is called.
func (k *Kubo) enter(c cid.Cid, f *kuboFetch) (leave func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fetches[c] = f
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.fetches[c] == f {
			delete(k.fetches, c)
		}
	}
}

// Progress returns how many blocks and bytes of a pin in progress the daemon has
// reported. A Kubo before 0.43 reports no bytes. ok is false when c is not being
// pinned or nothing was reported yet.
func (k *Kubo) Progress(c cid.Cid) (blocks, bytes uint64, ok bool) {
	k.mu.Lock()
	f := k.fetches[c]
	k.mu.Unlock()
	if f == nil {
		return 0, 0, false
	}
	return f.progress()
}

// trigger counts an operation, and after every informer_trigger_interval of them,
// uploads counted by the library included, sends the peer's metrics to the others.
func (k *Kubo) trigger(ctx context.Context) {
	every := k.cfg.InformerTriggerInterval
	if every <= 0 || atomic.AddUint64(k.operations, 1) < uint64(every) {
		return
	}
	atomic.StoreUint64(k.operations, 0)
	client := k.rpc.Load()
	if client == nil {
		return
	}
	err := client.GoContext(context.WithoutCancel(ctx), "", "Cluster", "SendInformersMetrics",
		struct{}{}, &struct{}{}, nil)
	if err != nil {
		logger.Debugf("sending the metrics of the informers: %s", err)
	}
}
