package tracker

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// lostText is the library's error of a pin that the IPFS node lacks.
const lostText = "the item should be pinned but it is not"

// errEnough ends a listing whose reader wants no more.
var errEnough = errors.New("enough")

// list calls fn with this peer's status of every pin of the state that matches a filter,
// until fn returns false. It is the library's list, which makes a map of everything that the
// IPFS node has pinned and decodes the whole state, in a fraction of its memory and time.
func (t *Tracker) list(ctx context.Context, filter api.TrackerStatus, fn func(api.PinInfo) bool) error {
	l := &listing{tracker: t, filter: filter, operations: make(map[string]api.PinInfo)}
	err := t.collect(t.ctx, operations, func(info api.PinInfo) {
		l.operations[info.Cid.KeyString()] = info
	})
	if err != nil {
		return err
	}
	if filter.Match(api.TrackerStatusPinned | api.TrackerStatusUnexpectedlyUnpinned) {
		if l.pinned, err = t.nodePins(ctx); err != nil {
			return err
		}
	}
	l.node = t.nodeID(ctx)
	err = t.eachPin(ctx, func(p statePin) error {
		t.see(p)
		if info, ok := l.info(ctx, p); ok && !fn(info) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// see lets the keeper of shards know of a part or a root of a sharded add.
func (t *Tracker) see(p statePin) {
	if t.options.Shards == nil || p.kind() == api.DataType {
		return
	}
	if pin, err := p.pin(); err == nil {
		t.options.Shards.See(pin)
	}
}

// operations are the statuses that the library's operations have.
const operations = api.TrackerStatusPinError | api.TrackerStatusPinQueued | api.TrackerStatusPinning |
	api.TrackerStatusUnpinError | api.TrackerStatusUnpinQueued | api.TrackerStatusUnpinning

// listing is what statuses are made of.
type listing struct {
	tracker    *Tracker
	filter     api.TrackerStatus
	operations map[string]api.PinInfo // by the bytes of a CID
	pinned     *cidSet                // at the IPFS node, nil when the filter does not need it
	node       api.IPFSID
}

// info returns the status of a pin, and whether it matches the filter.
func (l *listing) info(ctx context.Context, p statePin) (api.PinInfo, bool) {
	operation, underWay := l.operations[string(p.key())]
	if underWay && l.filter.Match(operation.Status) {
		return operation, true
	}
	status := l.status(p)
	if !l.filter.Match(status) || status == api.TrackerStatusUnexpectedlyUnpinned && underWay {
		return api.PinInfo{}, false
	}
	pin, err := p.pin()
	if err != nil {
		logUnreadable(p.key(), err)
		return api.PinInfo{}, false
	}
	if status == api.TrackerStatusUnexpectedlyUnpinned && l.tracker.InnerTracker.OpContext(ctx, pin.Cid) != nil {
		info := l.tracker.InnerTracker.Status(ctx, pin.Cid) // an operation that is newer than the list
		return info, l.filter.Match(info.Status)
	}
	return l.made(pin, status), true
}

// status returns the status of a pin without an operation.
func (l *listing) status(p statePin) api.TrackerStatus {
	switch {
	case p.kind() == api.MetaType:
		return api.TrackerStatusSharded
	case p.remote(l.tracker.options.Peer):
		return api.TrackerStatusRemote
	case l.pinned != nil && l.pinned.has(p.key()):
		return api.TrackerStatusPinned
	}
	return api.TrackerStatusUnexpectedlyUnpinned
}

func (l *listing) made(pin api.Pin, status api.TrackerStatus) api.PinInfo {
	info := api.PinInfo{
		Cid: pin.Cid, Name: pin.Name, Peer: l.tracker.options.Peer,
		Allocations: pin.Allocations, Origins: pin.Origins, Created: pin.Timestamp, Metadata: pin.Metadata,
		PinInfoShort: api.PinInfoShort{
			PeerName: l.tracker.options.Peername, Status: status, TS: pin.Timestamp,
			IPFS: l.node.ID, IPFSAddresses: l.node.Addresses,
		},
	}
	if status == api.TrackerStatusUnexpectedlyUnpinned {
		info.Error = lostText
	}
	return info
}

// nodeID returns who the IPFS node is, as far as it is known.
func (t *Tracker) nodeID(ctx context.Context) (id api.IPFSID) {
	client := t.client.Load()
	if client == nil {
		return id
	}
	if err := client.CallContext(ctx, "", "Cluster", "IPFSID", peer.ID(""), &id); err != nil {
		logger.Debugf("statuses without the ID of the IPFS node: %s", err)
	}
	return id
}

// nodePins returns what the IPFS node has pinned, recursively or directly.
func (t *Tracker) nodePins(ctx context.Context) (*cidSet, error) {
	pins := make(chan api.IPFSPinInfo, 1024)
	failed := make(chan error, 1)
	go func() { failed <- t.options.IPFS.PinLs(ctx, []string{"recursive", "direct"}, pins) }()
	set := newCIDSet()
	for info := range pins {
		if info.Type.ToTrackerStatus() == api.TrackerStatusPinned {
			set.add(info.Cid.Cid)
		}
	}
	slices.Sort(set.sums)
	return set, <-failed
}

// cidSet is a set of CIDs of which only hashes of 64 bits are kept: 8 bytes for each. That a
// CID which is not in a set of a million counts as one that is has a probability of 1 in
// 10^13, anew for each set.
type cidSet struct {
	seed maphash.Seed
	sums []uint64 // sorted after the last add
}

func newCIDSet() *cidSet { return &cidSet{seed: maphash.MakeSeed()} }

func (s *cidSet) add(c cid.Cid) { s.sums = append(s.sums, maphash.String(s.seed, c.KeyString())) }

func (s *cidSet) has(key []byte) bool {
	_, ok := slices.BinarySearch(s.sums, maphash.Bytes(s.seed, key))
	return ok
}

// statePin is a pin of the state that is decoded only as far as it is needed.
type statePin interface {
	key() []byte // the bytes of its CID
	kind() api.PinType
	remote(peer.ID) bool
	pin() (api.Pin, error)
}

// eachPin calls fn for every pin of the state. It ends with the first error of fn, or with
// the context, and Shutdown waits for it: the datastore is closed after that.
func (t *Tracker) eachPin(ctx context.Context, fn func(statePin) error) error {
	t.mu.Lock()
	if t.stopping {
		t.mu.Unlock()
		return t.ended(ctx)
	}
	t.running.Add(1)
	t.mu.Unlock()
	defer t.running.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	if t.options.Entries == nil {
		return t.eachListed(ctx, fn)
	}
	return t.eachEntry(ctx, fn)
}

func (t *Tracker) eachEntry(ctx context.Context, fn func(statePin) error) error {
	var e entryPin
	return t.options.Entries(ctx, func(cid, pin []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.cid, e.stored = cid, pin
		if e.wire.Parse(pin) {
			return fn(&e)
		}
		decoded, err := e.pin()
		if err != nil {
			logUnreadable(cid, err)
			return nil
		}
		return fn(listedPin(decoded))
	})
}

func logUnreadable(cid []byte, err error) {
	logger.Errorf("a pin of the state cannot be read and has no status (%x): %s", cid, err)
}

// eachListed reads the library's list to its end also when fn wants no more of it: List blocks
// until all its values are taken.
func (t *Tracker) eachListed(ctx context.Context, fn func(statePin) error) error {
	st, err := t.options.State(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pins := make(chan api.Pin, 64)
	failed := make(chan error, 1)
	go func() { failed <- st.List(ctx, pins) }()
	for p := range pins {
		if ctx.Err() == nil {
			if err := fn(listedPin(lean(p))); err != nil {
				cancel(err)
			}
		}
	}
	err = <-failed
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// listedPin is a pin that the library has decoded.
type listedPin api.Pin

func (p listedPin) key() []byte            { return p.Cid.Bytes() }
func (p listedPin) kind() api.PinType      { return p.Type }
func (p listedPin) remote(id peer.ID) bool { return api.Pin(p).IsRemotePin(id) }
func (p listedPin) pin() (api.Pin, error)  { return api.Pin(p), nil }

// entryPin is a pin as it is stored. Of most pins only the CID and the allocations are read;
// the rest is decoded when a status is made of it.
type entryPin struct {
	cid, stored []byte
	wire        pinset.Wire
}

func (p *entryPin) key() []byte            { return p.cid }
func (p *entryPin) kind() api.PinType      { return p.wire.PinType() }
func (p *entryPin) remote(id peer.ID) bool { return p.wire.Remote(id) }

func (p *entryPin) pin() (api.Pin, error) {
	pin, err := pinset.DecodeStored(p.cid, p.stored)
	return lean(pin), err
}
