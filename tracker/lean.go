package tracker

import (
	"github.com/ipfs-cluster/ipfs-cluster/api"
)

const (
	// leanFrom is the size in bytes from which metadata and origins are left out.
	leanFrom = 4 << 10
	// leftOutKey is the metadata key of an entry without its metadata and
	// origins. The REST API, which shows them, reads the entry then.
	leftOutKey = "pinsvc-left-out"
)

// lean returns an entry without large metadata and origins: a list of statuses, which has
// them in memory by the thousand, would copy them.
func lean(p api.Pin) api.Pin {
	size := 0
	for k, v := range p.Metadata {
		size += len(k) + len(v)
	}
	for _, o := range p.Origins {
		size += len(o.Bytes())
	}
	if size < leanFrom {
		return p
	}
	p.Metadata, p.Origins = map[string]string{leftOutKey: "yes"}, nil
	return p
}
