package embedded

import (
	"context"
	"sync"
	"sync/atomic"

	blocks "github.com/ipfs/go-block-format"
)

const (
	// writers is how many batches of one pin are written at once: while one
	// waits for the disk, the next is filled.
	writers = 4
	// pendingBytes bounds what all pins together have fetched and not yet
	// written: the network does not wait for the disk before that. A block
	// counts blockOverhead more than its data.
	pendingBytes  = 64 << 20
	blockOverhead = 1 << 10
	// A batch is written when it has that many blocks or bytes, or when no
	// other block is waiting.
	batchBlocks = 128
	// queuedBlocks is how many blocks may wait for a batch.
	queuedBlocks = 4096
	batchBytes   = 8 << 20
)

// writer writes blocks in batches.
type writer struct {
	put   putter
	in    chan blocks.Block
	bytes atomic.Int64
	wrote chan struct{} // holds one signal when blocks were written
	ctx   context.Context
	fail  context.CancelCauseFunc
	group sync.WaitGroup
	once  sync.Once
}

// putter stores blocks durably.
type putter func(context.Context, []blocks.Block) error

// newWriter starts one. fail is called with errors of put and must end ctx.
func newWriter(ctx context.Context, put putter, fail context.CancelCauseFunc) *writer {
	w := &writer{
		put:   put,
		in:    make(chan blocks.Block, queuedBlocks),
		wrote: make(chan struct{}, 1),
		fail:  fail,
		ctx:   ctx,
	}
	for range writers {
		w.group.Go(w.work)
	}
	return w
}

// write hands a block over.
func (w *writer) write(ctx context.Context, b blocks.Block) error {
	w.bytes.Add(int64(len(b.RawData())) + blockOverhead)
	select {
	case w.in <- b:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pending is the size of what was handed over and is not yet on disk.
func (w *writer) pending() int { return int(w.bytes.Load()) }

// finish waits until everything is on disk.
func (w *writer) finish() error {
	w.stop()
	return context.Cause(w.ctx)
}

// stop ends the writer; what was handed over is still written unless ctx ended,
// other than by ErrPreempted.
func (w *writer) stop() {
	w.once.Do(func() { close(w.in) })
	w.group.Wait()
}

func (w *writer) work() {
	for b := range w.in {
		batch := w.fill(b)
		if w.ctx.Err() == nil || preempted(w.ctx) {
			if err := w.put(context.WithoutCancel(w.ctx), batch); err != nil {
				w.fail(err)
			}
		}
		for _, b := range batch {
			w.bytes.Add(-int64(len(b.RawData())) - blockOverhead)
		}
		select {
		case w.wrote <- struct{}{}:
		default:
		}
	}
}

// fill takes what is waiting, up to a batch.
func (w *writer) fill(b blocks.Block) []blocks.Block {
	batch := []blocks.Block{b}
	size := len(b.RawData())
	for len(batch) < batchBlocks && size < batchBytes {
		select {
		case next, ok := <-w.in:
			if !ok {
				return batch
			}
			batch = append(batch, next)
			size += len(next.RawData())
		default:
			return batch
		}
	}
	return batch
}
