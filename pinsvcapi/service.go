package pinsvcapi

import (
	"context"
	"errors"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// service implements the semantics of the API on a Cluster.
type service struct {
	cluster pinset.Cluster
	// delegates are those of the configuration, which replace those of the cluster.
	delegates []string
	cache     delegateCache
	budget    *common.Budget   // of memory, nil: no bound
	now       func() time.Time // for expiry
}

// pinStatus is a pin with its status and the other data of a response.
type pinStatus struct {
	pin       pinset.Pin
	status    pinset.Status
	delegates []string
	info      map[string]string
}

// get returns the pin of a request ID with its status.
func (s *service) get(ctx context.Context, id cid.Cid) (pinStatus, error) {
	p, err := s.read(ctx, id, s.find)
	if err != nil {
		return pinStatus{}, err
	}
	return s.withStatus(ctx, p)
}

// add stores a pin, or updates the pin of the same CID: the body replaces name, meta
// and origins; replication factors, a future expiry and the reference of a sharded root
// are kept.
func (s *service) add(ctx context.Context, b pinBody) (pinStatus, error) {
	p := pinset.Pin{CID: b.cid, Name: b.name, Origins: b.origins, Meta: b.meta}
	old, err := s.read(ctx, b.cid, s.readStored)
	if err != nil && !errors.Is(err, pinset.ErrNotFound) {
		return pinStatus{}, err
	}
	// Put gets what was read here, and so does the library's check of the write.
	p.Before = pinset.Before{Known: true}
	if err == nil {
		p.Before = old.Before
		p.Sharded, p.Reference = old.Sharded, old.Reference
		if !old.Expired(s.now()) {
			p.ReplicationMin, p.ReplicationMax = old.ReplicationMin, old.ReplicationMax
			p.Expires = old.Expires
		}
	}
	if p, err = s.put(ctx, p); err != nil {
		return pinStatus{}, err
	}
	return s.withStatus(ctx, p)
}

// replace replaces an old pin by a new one, unless the old one does not exist. It
// stores the new pin before it removes the old one, so that an interruption leaves
// both. A replacement by the same CID is an update and never unpins.
func (s *service) replace(ctx context.Context, id cid.Cid, b pinBody) (pinStatus, error) {
	old, done, err := s.find(ctx, id)
	if err != nil {
		return pinStatus{}, err
	}
	done() // only its CID is needed from here on
	p, err := s.add(ctx, b)
	if err != nil || old.CID == b.cid {
		return p, err
	}
	// The old pin may have been removed meanwhile, which is the wanted result.
	err = s.remove(ctx, old.CID)
	if err != nil && !errors.Is(err, pinset.ErrNotFound) {
		return pinStatus{}, err
	}
	return p, nil
}

// remove deletes the pin of a request ID: of exactly this CID or, only if there is
// none, of its other version.
func (s *service) remove(ctx context.Context, id cid.Cid) error {
	done, err := s.budget.Work(ctx, readTimes*s.budget.Largest())
	if err != nil {
		return err
	}
	defer done()
	err = s.cluster.Delete(ctx, id)
	other, ok := otherVersion(id)
	if !ok || !errors.Is(err, pinset.ErrNotFound) {
		return err
	}
	return s.cluster.Delete(ctx, other)
}

// withStatus queries the pin's peers for its status.
func (s *service) withStatus(ctx context.Context, p pinset.Pin) (pinStatus, error) {
	peers, err := s.cluster.Status(ctx, p)
	if err != nil {
		return pinStatus{}, err
	}
	st := p.Status(peers)
	out := pinStatus{pin: p, status: st, info: describe(p, st, peers), delegates: s.delegates}
	if len(out.delegates) == 0 {
		out.delegates = s.cache.of(s.cluster.Delegates(ctx, p, peers))
	}
	return out, nil
}
