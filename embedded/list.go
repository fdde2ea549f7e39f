package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/ipfs/go-cid"
	"go.opencensus.io/stats"
)

// PinLs sends the pins of the given types ("recursive", "direct" or "all") and
// closes out. Depth-limited pins count as recursive; a pin that is being made
// or that lacks blocks is not a pin. A reader that stops costs nobody anything.
func (n *Node) PinLs(ctx context.Context, types []string, out chan<- api.IPFSPinInfo) error {
	defer close(out)
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	deep, shallow, err := parseTypes(types)
	if err != nil {
		return err
	}
	broken, err := n.pins.broken(ctx)
	if err != nil {
		return err
	}
	count := int64(0)
	err = n.pins.each(ctx, func(c cid.Cid, depth int) error {
		if _, lacks := broken[c]; lacks || depth == direct && !shallow || depth != direct && !deep {
			return nil
		}
		count++
		select {
		case out <- api.IPFSPinInfo{Cid: api.NewCid(c), Type: pinStatus(depth)}:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if err == nil {
		stats.Record(ctx, observations.PinsIpfsPins.M(count))
	}
	return err
}

func parseTypes(types []string) (deep, shallow bool, err error) {
	for _, t := range types {
		if !slices.Contains([]string{"recursive", "direct", "all"}, t) {
			return false, false, fmt.Errorf("pins of type %q cannot be listed", t)
		}
	}
	all := slices.Contains(types, "all")
	return all || slices.Contains(types, "recursive"), all || slices.Contains(types, "direct"), nil
}

// PinLsCid tells whether pin.Cid is pinned exactly as deep as pin.MaxDepth says.
func (n *Node) PinLsCid(ctx context.Context, pin api.Pin) (api.IPFSPinStatus, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return api.IPFSPinStatusError, err
	}
	defer leave()
	if !pin.Cid.Defined() {
		return api.IPFSPinStatusBug, errors.New("pin without a CID")
	}
	depth, pinned, err := n.pins.get(ctx, pin.Cid.Cid)
	if err != nil {
		return api.IPFSPinStatusError, err
	}
	if !pinned || depth != max(int(pin.MaxDepth), recursive) {
		return api.IPFSPinStatusUnpinned, nil
	}
	return pinStatus(depth), nil
}

// pinStatus is the library's word for a depth; it has none for a limited one.
func pinStatus(depth int) api.IPFSPinStatus {
	if depth == direct {
		return api.IPFSPinStatusDirect
	}
	return api.IPFSPinStatusRecursive
}
