package restapi

import (
	"context"
	"maps"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// updated returns the pin that a pin update stores: options that the request does not
// have are those of the old pin. A pin without pin-update is returned unchanged.
//
// An old pin that does not exist or has expired is pinset.ErrNotFound. Metadata of the
// request is added to that of the old pin.
func (a *API) updated(ctx context.Context, q query, pin api.Pin) (api.Pin, error) {
	from := pin.PinUpdate
	if !from.Defined() {
		return pin, nil
	}
	old, err := a.cluster.Allocation(ctx, from)
	switch {
	case err != nil:
		return pin, err
	case old.ExpiredAt(time.Now()):
		return pin, pinset.ErrNotFound
	case old.Type&(api.MetaType|api.ClusterDAGType|api.ShardType) != 0:
		return pin, pinset.Invalid("pin-update", "it is a part or the root of a sharded pin, which cannot be updated")
	case from != pin.Cid && !q.beyondUpdate():
		return pin, nil // the cluster copies the rest
	}
	return q.merge(pin, old), nil
}

// merge returns pin with the options of old where the request has none.
func (q query) merge(pin, old api.Pin) api.Pin {
	merged := old.PinOptions
	given := pin.PinOptions
	// The library's update would ignore everything but the name and the expiry, so that
	// the result is stored as a plain pin.
	merged.PinUpdate = api.CidUndef
	if q.has("name") {
		merged.Name = given.Name
	}
	if q.direct() {
		merged.Mode = given.Mode
	}
	if q.has("expire-at") || q.has("expire-in") {
		merged.ExpireAt = given.ExpireAt
	}
	if q.has("origins") {
		merged.Origins = given.Origins
	}
	merged.Metadata = maps.Clone(old.Metadata)
	for key, value := range given.Metadata {
		if merged.Metadata == nil {
			merged.Metadata = make(map[string]string, len(given.Metadata))
		}
		merged.Metadata[key] = value
	}
	out := api.PinWithOpts(pin.Cid, merged)
	out.Allocations = old.Allocations // which have the blocks that both share
	if q.placed() {
		if given.ReplicationFactorMin != 0 {
			out.ReplicationFactorMin = given.ReplicationFactorMin
		}
		if given.ReplicationFactorMax != 0 {
			out.ReplicationFactorMax = given.ReplicationFactorMax
		}
		out.UserAllocations = given.UserAllocations
		out.Allocations = nil // the cluster chooses
	}
	return out
}

// has reports whether a parameter is set. The library's client sends all of them, with
// the zero value for those that are not.
func (q query) has(name string) bool {
	switch q.Get(name) {
	case "", "0", "0001-01-01T00:00:00Z":
		return false
	}
	return true
}

// placed reports whether a request has parameters about the peers of a pin.
func (q query) placed() bool {
	for _, name := range []string{"replication", "replication-min", "replication-max", "user-allocations"} {
		if q.has(name) {
			return true
		}
	}
	return false
}

// beyondUpdate reports whether an update has parameters that the library's would
// ignore: it uses the name and the expiry only.
func (q query) beyondUpdate() bool {
	for name := range q.Values {
		if len(name) > len(metadataPrefix) && name[:len(metadataPrefix)] == metadataPrefix {
			return true
		}
	}
	return q.placed() || q.direct() || q.has("origins")
}

// direct reports whether a request is for a direct pin. The library's client sends
// "recursive" by default, so that cannot be told from an absent mode.
func (q query) direct() bool { return q.Get("mode") == "direct" }
