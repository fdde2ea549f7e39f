package peer

import (
	"context"
	"errors"
	"sync"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
)

// memory is an IPFS node that has everything and pins at once.
type memory struct {
	mu   sync.Mutex
	pins map[api.Cid]api.IPFSPinStatus
	shut bool
}

func newMemory() *memory { return &memory{pins: map[api.Cid]api.IPFSPinStatus{}} }

func (m *memory) SetClient(*rpc.Client) {}

func (m *memory) Shutdown(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shut = true
	return nil
}

func (m *memory) Ready(context.Context) <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func (m *memory) ID(context.Context) (api.IPFSID, error) {
	id, err := peer.Decode("12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")
	return api.IPFSID{ID: id}, err
}

func (m *memory) Pin(_ context.Context, pin api.Pin) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pins[pin.Cid] = pin.Mode.ToIPFSPinStatus()
	return nil
}

func (m *memory) Unpin(_ context.Context, c api.Cid) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pins, c)
	return nil
}

func (m *memory) PinLsCid(_ context.Context, pin api.Pin) (api.IPFSPinStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if status, ok := m.pins[pin.Cid]; ok {
		return status, nil
	}
	return api.IPFSPinStatusUnpinned, nil
}

func (m *memory) PinLs(_ context.Context, _ []string, out chan<- api.IPFSPinInfo) error {
	defer close(out)
	m.mu.Lock()
	defer m.mu.Unlock()
	for c, status := range m.pins {
		out <- api.IPFSPinInfo{Cid: c, Type: status}
	}
	return nil
}

func (m *memory) has(c api.Cid) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.pins[c]
	return ok
}

var errNotHere = errors.New("not in this stand-in")

func (m *memory) ConnectSwarms(context.Context) error               { return nil }
func (m *memory) SwarmPeers(context.Context) ([]peer.ID, error)     { return nil, nil }
func (m *memory) ConfigKey(string) (any, error)                     { return nil, errNotHere }
func (m *memory) RepoGC(context.Context) (api.RepoGC, error)        { return api.RepoGC{}, errNotHere }
func (m *memory) Resolve(context.Context, string) (api.Cid, error)  { return api.CidUndef, errNotHere }
func (m *memory) BlockGet(context.Context, api.Cid) ([]byte, error) { return nil, errNotHere }

func (m *memory) RepoStat(context.Context) (api.IPFSRepoStat, error) {
	return api.IPFSRepoStat{StorageMax: 1 << 30}, nil
}

func (m *memory) BlockStream(context.Context, <-chan api.NodeWithMeta) error { return errNotHere }
