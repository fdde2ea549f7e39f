package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"go.opencensus.io/stats"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// streamGrace is how long added blocks are spared by garbage collection after
// the end of their stream: their pin comes when all of them were sent.
const streamGrace = 10 * time.Minute

// BlockGet gives the data of a block, which is fetched if it is not here.
func (n *Node) BlockGet(ctx context.Context, c api.Cid) ([]byte, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout.Std())
	defer cancel()
	if c.Defined() && isEmpty(c.Cid) { // bitswap may wait for it in vain
		return []byte{}, nil
	}
	b, err := n.net.Blocks.GetBlock(ctx, c.Cid)
	if ipld.IsNotFound(err) || errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("no peer has delivered the block %s: %w", c, err)
	}
	if err != nil {
		return nil, err
	}
	return b.RawData(), nil
}

// BlockStream stores the blocks until in is closed; when it returns without an
// error they are on disk. A block that does not match its CID is an error. The
// sender is never left waiting: after an error the rest of in is dropped.
func (n *Node) BlockStream(ctx context.Context, in <-chan api.NodeWithMeta) (err error) {
	defer func() {
		if err != nil {
			stats.Record(ctx, observations.BlocksAddedError.M(1))
			go func() {
				for range in {
				}
			}()
		}
	}()
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	defer n.informers.trigger(ctx)
	stats.Record(ctx, observations.BlocksPut.M(1))

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream := n.streams.open()
	defer stream.close()
	w := newWriter(ctx, n.addBlocks, cancel)
	defer w.stop()
	for {
		select {
		case item, ok := <-in:
			if !ok {
				return w.finish()
			}
			if err := stream.take(ctx, w, item); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// addBlocks stores blocks and hands them to whoever waits for them, in this
// process or elsewhere.
func (n *Node) addBlocks(ctx context.Context, bs []blocks.Block) error {
	if err := n.store.PutMany(ctx, bs); err != nil {
		return err
	}
	return n.net.Exchange.NotifyNewBlocks(ctx, bs...)
}

// fetchedBlocks stores blocks that bitswap brought. It knows them already, but
// could not serve them to others before they were stored.
func (n *Node) fetchedBlocks(ctx context.Context, bs []blocks.Block) error {
	if err := n.store.PutMany(ctx, bs); err != nil {
		return err
	}
	return n.net.Exchange.Server.NotifyNewBlocks(ctx, bs...)
}

// repairedBlocks is fetchedBlocks for the repair of a recorded pin.
func (n *Node) repairedBlocks(ctx context.Context, bs []blocks.Block) error {
	if err := n.store.Replace(ctx, bs); err != nil {
		return err
	}
	return n.net.Exchange.Server.NotifyNewBlocks(ctx, bs...)
}

// streams are the block streams that run or ended within the grace time.
type streams struct {
	mu   sync.Mutex
	all  map[*stream]struct{}
	hash storage.Hasher
	now  func() time.Time
}

// stream knows its blocks, for garbage collection.
type stream struct {
	mu    sync.Mutex
	seen  *storage.Visited
	ended time.Time
	now   func() time.Time
}

func newStreams(h storage.Hasher) *streams {
	return &streams{all: make(map[*stream]struct{}), hash: h, now: time.Now}
}

func (s *streams) open() *stream {
	st := &stream{seen: storage.NewVisited(s.hash), now: s.now}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropOld()
	s.all[st] = struct{}{}
	return st
}

// mark adds the blocks of all streams to needed.
func (s *streams) mark(needed *storage.Visited) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropOld()
	for st := range s.all {
		st.mu.Lock()
		needed.Merge(st.seen)
		st.mu.Unlock()
	}
}

// has reports whether a block was in one of the streams.
func (s *streams) has(c cid.Cid) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.all {
		st.mu.Lock()
		sent := st.seen.Covers(c, 0)
		st.mu.Unlock()
		if sent {
			return true
		}
	}
	return false
}

func (s *streams) dropOld() {
	for st := range s.all {
		st.mu.Lock()
		old := !st.ended.IsZero() && s.now().Sub(st.ended) > streamGrace
		st.mu.Unlock()
		if old {
			delete(s.all, st)
		}
	}
}

func (st *stream) close() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended = st.now()
}

// take checks a block and hands it to the writer.
func (st *stream) take(ctx context.Context, w *writer, item api.NodeWithMeta) error {
	b, err := checkedBlock(item.Cid.Cid, item.Data)
	if err != nil {
		return err
	}
	st.mu.Lock()
	st.seen.Enter(b.Cid(), 0)
	st.mu.Unlock()
	stats.Record(ctx, observations.BlocksAdded.M(1), observations.BlocksAddedSize.M(int64(len(item.Data))))
	return w.write(ctx, b)
}

// checkedBlock makes a block of data that hashes to c.
func checkedBlock(c cid.Cid, data []byte) (blocks.Block, error) {
	if !c.Defined() {
		return nil, fmt.Errorf("block without a CID")
	}
	sum, err := c.Prefix().Sum(data)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", c, err)
	}
	if !sum.Equals(c) {
		return nil, fmt.Errorf("block %s: its data has another hash (%s)", c, sum)
	}
	return blocks.NewBlockWithCid(data, c)
}
