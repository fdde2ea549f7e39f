package view

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// fakeSource is a Source in memory. A pin is pinned at its peers unless said
// has something else to say.
type fakeSource struct {
	mu      sync.Mutex
	pins    map[cid.Cid]api.Pin
	said    map[string]map[cid.Cid]pinset.State // by peer
	members []string
	silent  map[string]bool
	partial map[string]bool
	asked   map[string]int
	scans   int

	scanFails error
	onScan    func()                   // while a scan is under way
	frozen    map[string]chan struct{} // peers that answer when it is closed
	observe   func(pinset.Change)      // the view's
}

func newFakeSource(members ...string) *fakeSource {
	f := &fakeSource{
		pins:    make(map[cid.Cid]api.Pin),
		said:    make(map[string]map[cid.Cid]pinset.State),
		members: members,
		silent:  make(map[string]bool),
		partial: make(map[string]bool),
		asked:   make(map[string]int),
		frozen:  make(map[string]chan struct{}),
	}
	for _, m := range members {
		f.said[m] = make(map[cid.Cid]pinset.State)
	}
	return f
}

// errScanned is the answer of a list that is not made by the view.
var errScanned = errors.New("the list is made by a scan")

var errSilent = errors.New("no answer")

func (f *fakeSource) Stored(_ context.Context, c cid.Cid) (api.Pin, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.pins[c]
	if !ok {
		return api.Pin{}, pinset.ErrNotFound
	}
	return p, nil
}

func (f *fakeSource) Get(ctx context.Context, c cid.Cid) (pinset.Pin, error) {
	stored, err := f.Stored(ctx, c)
	if err == nil && !pinset.Shown(stored) {
		err = pinset.ErrNotFound
	}
	if err != nil {
		return pinset.Pin{}, err
	}
	return toPin(stored), nil
}

func toPin(stored api.Pin) pinset.Pin {
	p := pinset.Pin{
		CID: stored.Cid.Cid, Name: stored.Name, Meta: maps.Clone(stored.Metadata), Sharded: stored.Type == api.MetaType,
		Created:        pinset.CreatedOf(stored.Metadata, stored.Timestamp, stored.Cid.Cid),
		ReplicationMin: stored.ReplicationFactorMin, ReplicationMax: stored.ReplicationFactorMax,
	}
	delete(p.Meta, pinset.CreatedKey)
	if !stored.IsPinEverywhere() {
		p.Allocations = api.PeersToStrings(stored.Allocations)
	}
	return p
}

func (f *fakeSource) Put(_ context.Context, p pinset.Pin) (pinset.Pin, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p.Created = time.Now().UTC().Truncate(time.Millisecond)
	if old, ok := f.pins[p.CID]; ok {
		p.Created = pinset.CreatedOf(old.Metadata, old.Timestamp, p.CID)
	}
	f.pins[p.CID] = toStored(p)
	f.observe(pinset.Change{CID: api.NewCid(p.CID), Pin: f.pins[p.CID]})
	p.Created = time.Time{} // the consensus decides
	return p, nil
}

func (f *fakeSource) Delete(_ context.Context, c cid.Cid) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.pins[c]; !ok {
		return pinset.ErrNotFound
	}
	delete(f.pins, c)
	f.observe(pinset.Change{CID: api.NewCid(c), Existed: true})
	return nil
}

func toStored(p pinset.Pin) api.Pin {
	meta := maps.Clone(p.Meta)
	if meta == nil {
		meta = make(map[string]string)
	}
	meta[pinset.CreatedKey] = pinset.EncodeCreated(p.Created)
	stored := api.PinWithOpts(api.NewCid(p.CID), api.PinOptions{
		Name: p.Name, Metadata: meta, ReplicationFactorMin: -1, ReplicationFactorMax: -1,
	})
	stored.Timestamp = p.Created.Truncate(time.Second)
	if len(p.Allocations) > 0 {
		stored.ReplicationFactorMin, stored.ReplicationFactorMax = max(1, p.ReplicationMin), len(p.Allocations)
		stored.Allocations = api.StringsToPeers(p.Allocations)
	}
	return stored
}

func (f *fakeSource) Scan(ctx context.Context, fn func(api.Pin)) error {
	f.mu.Lock()
	f.scans++
	all := slices.Collect(maps.Values(f.pins))
	on := f.onScan
	f.mu.Unlock()
	for i, p := range all {
		if on != nil && i == len(all)/2 {
			on()
		}
		fn(p)
	}
	return errors.Join(f.scanFails, ctx.Err())
}

func (f *fakeSource) Members(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.members), nil
}

func (f *fakeSource) Unpinned(ctx context.Context, peer string) (pinset.Unpinned, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[peer]++
	if frozen := f.frozen[peer]; frozen != nil {
		f.mu.Unlock()
		select {
		case <-frozen:
		case <-ctx.Done():
		}
		f.mu.Lock()
	}
	if f.silent[peer] {
		return pinset.Unpinned{}, errSilent
	}
	u := pinset.Unpinned{Asked: time.Now(), Partial: f.partial[peer], Pins: make(map[cid.Cid]pinset.PeerStatus)}
	for c, s := range f.said[peer] {
		if s != pinset.StatePinned {
			u.Pins[c] = pinset.PeerStatus{Peer: peer, State: s}
		}
	}
	return u, nil
}

func (f *fakeSource) Status(_ context.Context, p pinset.Pin) ([]pinset.PeerStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	peers := p.Allocations
	if len(peers) == 0 {
		peers = f.members
	}
	var out []pinset.PeerStatus
	for _, id := range peers {
		s, ok := f.said[id][p.CID]
		if !ok {
			s = pinset.StatePinned
		}
		out = append(out, pinset.PeerStatus{Peer: id, State: s, Silent: f.silent[id]})
	}
	return out, nil
}

func (f *fakeSource) Select(context.Context, pinset.Selection) (pinset.Selected, error) {
	return pinset.Selected{}, errScanned
}

func (f *fakeSource) Delegates(context.Context, pinset.Pin, []pinset.PeerStatus) []string {
	return []string{"/ip4/203.0.113.1/tcp/4001/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"}
}

// change does something to the cluster.
func (f *fakeSource) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}
