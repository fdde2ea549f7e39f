package restapi

import (
	"context"
	"maps"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// updated returns a pin as a pin update stores it: with what the request does not
// say as the old pin has it. A pin that is no update is returned as it is.
//
// The old pin must be there, and not expired: pinset.ErrNotFound. Metadata of the
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
	merged := old.PinOptions
	given := pin.PinOptions
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
	return out, nil
}

// has tells whether a parameter is given. The library's client sends all of them,
// those that are not given with their zero value.
func (q query) has(name string) bool {
	switch q.Get(name) {
	case "", "0", "0001-01-01T00:00:00Z":
		return false
	}
	return true
}

// placed tells whether a request says where a pin belongs.
func (q query) placed() bool {
	for _, name := range []string{"replication", "replication-min", "replication-max", "user-allocations"} {
		if q.has(name) {
			return true
		}
	}
	return false
}

// beyondUpdate tells whether an update says more than the library's knows: it
// takes the name and the expiry, and passes over everything else.
func (q query) beyondUpdate() bool {
	for name := range q.Values {
		if len(name) > len(metadataPrefix) && name[:len(metadataPrefix)] == metadataPrefix {
			return true
		}
	}
	return q.placed() || q.direct() || q.has("origins")
}

// direct tells whether a request wants a direct pin. Recursive is what the
// library's client sends when nothing is said.
func (q query) direct() bool { return q.Get("mode") == "direct" }
