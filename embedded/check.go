package embedded

import (
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
)

// repairAlone pins again what no tracker does.
func (n *Node) repairAlone(g gap) {
	done := func() { <-n.checker.lone }
	ctx, leave, err := n.enter(n.ctx)
	if err != nil {
		done()
		return
	}
	go func() {
		defer done()
		defer leave()
		pin := api.PinCid(api.NewCid(g.pin))
		pin.MaxDepth = api.PinDepth(g.depth)
		if err := n.Pin(ctx, pin); err != nil && ctx.Err() == nil {
			logger.Warnf("repairing pin %s, which the cluster does not know: %s", g.pin, err)
		}
	}()
}

// ObserveDamage has a function called with every pin that was found to lack
// blocks and does not count as pinned any more. It reports whether the pin will
// be pinned again; else the node tries to by itself. It must not wait.
func (n *Node) ObserveDamage(repair func(cid.Cid) bool) { n.checker.repair.Store(&repair) }

// Check has all blocks of a pin read in the background and compared with their
// hashes, at most once in an hour. A pin that lacks one is repaired: see
// ObserveDamage. It does not wait.
func (n *Node) Check(c cid.Cid) {
	if _, leave, err := n.enter(n.ctx); err == nil {
		defer leave()
		n.checker.enqueue(c)
	}
}

// CheckAll is Check for all pins.
func (n *Node) CheckAll() {
	ctx, leave, err := n.enter(n.ctx)
	if err != nil {
		return
	}
	k := n.checker
	if !k.listing.CompareAndSwap(false, true) {
		leave()
		return
	}
	go func() {
		defer leave()
		defer k.listing.Store(false)
		if err := k.queueAll(ctx); err != nil && ctx.Err() == nil {
			logger.Warnf("listing the pins to check: %s", err)
		}
	}()
}
