package folder

import (
	"fmt"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
)

// ImportOptions replace what the imported pins say about where they belong. The
// zero value replaces nothing.
type ImportOptions struct {
	ReplicationMin int         // 0: as in the file
	ReplicationMax int         // 0: as in the file; -1 in both: every peer
	Allocations    []libp2p.ID // nil: as in the file

	// Progress is called with the number of pins read so far, for each. nil:
	// nobody asks.
	Progress func(pins int)
}

func (o ImportOptions) report(pins int) {
	if o.Progress != nil {
		o.Progress(pins)
	}
}

// change returns what a pin of the input is stored as.
func (o ImportOptions) change(pin api.Pin) (api.Pin, error) {
	pin = o.apply(pin)
	return pin, o.check(pin)
}

func (o ImportOptions) apply(pin api.Pin) api.Pin {
	if pin.Type == api.ClusterDAGType {
		return pin // every peer has it, whatever the replication factors of its root
	}
	if o.ReplicationMin != 0 {
		pin.ReplicationFactorMin = o.ReplicationMin
	}
	if o.ReplicationMax != 0 {
		pin.ReplicationFactorMax = o.ReplicationMax
	}
	if len(o.Allocations) > 0 && pin.Type != api.MetaType { // a root is where its shards are
		pin.Allocations = slices.Clone(o.Allocations)
	}
	return pin
}

// check returns what is wrong with the replication factors of a pin, when they
// are not those of the file.
func (o ImportOptions) check(pin api.Pin) error {
	if o.ReplicationMin == 0 && o.ReplicationMax == 0 {
		return nil
	}
	low, high := pin.ReplicationFactorMin, pin.ReplicationFactorMax
	if low == -1 && high == -1 || 0 < low && low <= high {
		return nil
	}
	return fmt.Errorf("its replication factors would be %d to %d", low, high)
}
