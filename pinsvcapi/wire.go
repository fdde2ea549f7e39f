package pinsvcapi

import (
	"maps"
	"slices"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// pinJSON is a Pin on the wire (spec, schema Pin).
type pinJSON struct {
	CID     string            `json:"cid"`
	Name    string            `json:"name,omitempty"`
	Origins []string          `json:"origins,omitempty"`
	Meta    map[string]string `json:"meta,omitempty"`
}

// statusJSON is a pin with its status on the wire (spec, schema PinStatus).
type statusJSON struct {
	RequestID string        `json:"requestid"`
	Status    pinset.Status `json:"status"`
	Created   string        `json:"created"`
	Pin       pinJSON       `json:"pin"`
	// Delegates is never null: clients iterate over it.
	Delegates []string          `json:"delegates"`
	Info      map[string]string `json:"info,omitempty"`
}

// resultsJSON is a page of a list on the wire (spec, schema PinResults). It is
// written piece by piece: see page.
type resultsJSON struct {
	// Count is the number of pins that match, on this page and all others.
	Count   int          `json:"count"`
	Results []statusJSON `json:"results"`
}

// toWire translates a pin and its status to the types of the specification.
func toWire(p pinStatus) statusJSON {
	id := p.pin.CID.String()
	delegates := p.delegates
	if delegates == nil {
		delegates = []string{}
	}
	return statusJSON{
		RequestID: id,
		Status:    p.status,
		Created:   pinset.EncodeCreated(p.pin.Created),
		Pin: pinJSON{
			CID:     id,
			Name:    wireName(p.pin.Name),
			Origins: wireOrigins(p.pin.Origins),
			Meta:    wireMeta(p.pin.Meta),
		},
		Delegates: delegates,
		Info:      p.info,
	}
}

// Pins that were stored by other APIs may exceed the bounds of the specification, and a
// client may refuse a whole page for one such pin. So these functions cut them.

// wireName returns the first characters of a name.
func wireName(name string) string {
	if len(name) <= maxName || checkName(name) == nil {
		return name
	}
	return string([]rune(name)[:maxName])
}

// wireOrigins returns the first origins, without duplicates.
func wireOrigins(origins []string) (out []string) {
	for _, o := range origins {
		if len(out) < maxOrigins && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// wireMeta returns the first entries in the order of their keys.
func wireMeta(meta map[string]string) map[string]string {
	if len(meta) <= maxMeta {
		return meta
	}
	out := maps.Clone(meta)
	for _, k := range slices.Sorted(maps.Keys(meta))[maxMeta:] {
		delete(out, k)
	}
	return out
}
