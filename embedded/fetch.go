package embedded

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ipfs/boxo/exchange"
	"github.com/ipfs/boxo/verifcid"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"golang.org/x/sync/errgroup"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

const (
	// examineBatch is how many nodes are looked up in the store at a time, and
	// examineWorkers how many of them at once.
	examineBatch   = 64
	examineWorkers = 8
)

// node is a node of a DAG, below which left levels of links belong to the pin.
type node struct {
	cid   cid.Cid
	left  int32
	first bool      // not counted yet
	asked time.Time // when it was asked for
}

// fetcher brings the DAG of one job into the store. Its walk goes depth first,
// with many blocks under way at once, so that what waits stays small.
type fetcher struct {
	job      *job
	store    *storage.Store
	put      putter
	exchange exchange.SessionExchange
	window   window
	pins     func() int    // how many are in progress
	patience time.Duration // defaultPatience; another one is for tests
	onBlock  func(cid.Cid) // called once for every block of the DAG; may be nil
	unread   atomic.Bool   // some blocks were here and were not compared with their hashes

	todo    []node            // a stack
	wanted  map[cid.Cid]node  // asked for, not yet arrived
	arrived chan blocks.Block // from bitswap
	writer  *writer           // of what arrived

	session    exchange.Fetcher
	sessionCtx context.Context
	endSession context.CancelFunc
}

// run returns when every block of the DAG is on disk, or with the reason why not.
func (f *fetcher) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.writer = newWriter(ctx, f.put, cancel)
	defer f.writer.stop()

	f.wanted = make(map[cid.Cid]node)
	f.arrived = make(chan blocks.Block)
	f.newSession(ctx)
	defer func() { f.endSession() }()
	if err := f.push([]cid.Cid{f.job.root}, depthLeft(f.job.depth)); err != nil {
		return err
	}
	for {
		if err := f.advance(ctx); err != nil {
			return err
		}
		if len(f.wanted) == 0 && len(f.todo) == 0 {
			return f.writer.finish()
		}
		if err := f.receive(ctx); err != nil {
			return err
		}
	}
}

// advance examines nodes until enough is under way.
func (f *fetcher) advance(ctx context.Context) error {
	for len(f.todo) > 0 {
		pins := f.pins()
		if f.writer.pending() > pendingBytes/max(pins, 1) {
			return nil
		}
		size := f.window.size(f.job.state(), pins)
		room := size - len(f.wanted)
		// Bitswap sends at most 50 messages a second to a peer, so small
		// requests would waste it.
		if room < min(examineBatch, size/4) {
			return nil
		}
		n := min(len(f.todo), examineBatch, room)
		batch := slices.Clone(f.todo[len(f.todo)-n:])
		f.todo = f.todo[:len(f.todo)-n]
		missing, err := f.examine(ctx, batch)
		if err != nil {
			return err
		}
		if err := f.want(ctx, missing); err != nil {
			return err
		}
	}
	return nil
}

// examine looks which nodes are in the store, follows the links of those, and
// gives back the others. A damaged block counts as missing.
func (f *fetcher) examine(ctx context.Context, batch []node) (missing []node, err error) {
	children := make([][]cid.Cid, len(batch))
	absent := make([]bool, len(batch))
	var group errgroup.Group
	group.SetLimit(examineWorkers)
	for i, n := range batch {
		group.Go(func() error {
			size, here, err := f.store.Local(ctx, n.cid)
			if err == nil && here {
				children[i], err = f.localLinks(ctx, n)
			}
			absent[i] = err == nil && !here || ipld.IsNotFound(err)
			switch {
			case absent[i]:
				return nil
			case err == nil:
				f.count(n, size)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, n := range batch {
		if absent[i] {
			missing = append(missing, n)
		} else if err := f.push(children[i], storage.Below(n.left)); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

func (f *fetcher) localLinks(ctx context.Context, n node) ([]cid.Cid, error) {
	if n.left == 0 || !storage.HasLinks(n.cid) {
		f.unread.Store(true)
		return nil, nil
	}
	b, err := f.store.Get(ctx, n.cid)
	if err != nil {
		return nil, err
	}
	return storage.Links(n.cid, b.RawData())
}

// push puts nodes on the stack, the first on top, unless they were there before.
func (f *fetcher) push(cids []cid.Cid, left int32) error {
	for _, c := range slices.Backward(cids) {
		if err := verifcid.ValidateCid(verifcid.DefaultAllowlist, c); err != nil {
			return fmt.Errorf("block %s cannot be pinned: %w", c, err)
		}
		first, follow := f.job.enter(c, left)
		if follow {
			f.todo = append(f.todo, node{cid: c, left: left, first: first})
		}
	}
	return nil
}

// receive takes one block from bitswap, or waits for the writer if that is what
// the walk waits for.
func (f *fetcher) receive(ctx context.Context) error {
	wait := f.patience
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case b := <-f.arrived:
			return f.take(ctx, b)
		case <-f.writer.wrote:
			return nil
		case <-timer.C:
			if err := f.askAgain(ctx); err != nil {
				return err
			}
			wait *= 2
			timer.Reset(wait)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *fetcher) take(ctx context.Context, b blocks.Block) error {
	n, ok := f.wanted[b.Cid()]
	if !ok {
		return nil // a second copy
	}
	delete(f.wanted, b.Cid())
	f.window.arrived(n.asked)
	f.count(n, len(b.RawData()))
	if err := f.writer.write(ctx, b); err != nil {
		return err
	}
	if n.left == 0 {
		return nil
	}
	children, err := storage.Links(b.Cid(), b.RawData())
	if err != nil {
		return err
	}
	return f.push(children, storage.Below(n.left))
}

// count tells that a node's block is here.
func (f *fetcher) count(n node, size int) {
	if !n.first {
		f.job.touch()
		return
	}
	f.job.got(size)
	if f.onBlock != nil {
		f.onBlock(n.cid)
	}
}

// missing says what the walk waits for.
func (f *fetcher) missing() string {
	for c := range f.wanted {
		return fmt.Sprintf("%d that were asked for are not, such as %s", len(f.wanted), c)
	}
	return "none is missing but the disk does not take them"
}

// depthLeft is the number of levels below the root of a pin.
func depthLeft(depth int) int32 {
	if depth < 0 || depth >= storage.Unlimited {
		return storage.Unlimited
	}
	return int32(depth)
}
