package embedded

import (
	"context"
	"maps"
	"slices"
	"time"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
)

const (
	// defaultPatience is how long a fetch waits for any block before it begins a new
	// bitswap session and asks again; it doubles every time. Requests get lost: a
	// session can drop its only peer for good, and a peer ignores a request for
	// what it is sending to another session just then.
	defaultPatience = 5 * time.Second
	// sessionGap is how long the end of a session takes. Before that, bitswap
	// takes the same request for one that it has sent already.
	sessionGap = 200 * time.Millisecond
)

// want asks bitswap for the nodes.
func (f *fetcher) want(ctx context.Context, missing []node) error {
	ask := make([]cid.Cid, 0, len(missing))
	now := time.Now()
	for _, n := range missing {
		if isEmpty(n.cid) {
			if err := f.addEmpty(ctx, n); err != nil {
				return err
			}
			continue
		}
		old, asked := f.wanted[n.cid]
		if !asked {
			ask = append(ask, n.cid)
		}
		f.wanted[n.cid] = node{cid: n.cid, left: max(old.left, n.left), first: old.first || n.first, asked: now}
	}
	return f.ask(ask)
}

// ask sends a request to bitswap, whose answers go to arrived.
func (f *fetcher) ask(cids []cid.Cid) error {
	if len(cids) == 0 {
		return nil
	}
	ctx := f.sessionCtx
	stream, err := f.session.GetBlocks(ctx, cids)
	if err != nil {
		return err
	}
	go func() {
		for b := range stream {
			select {
			case f.arrived <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

func (f *fetcher) newSession(ctx context.Context) {
	f.sessionCtx, f.endSession = context.WithCancel(ctx)
	f.session = f.exchange.NewSession(f.sessionCtx)
}

// askAgain asks for everything that is wanted in a new session.
func (f *fetcher) askAgain(ctx context.Context) error {
	if len(f.wanted) == 0 {
		return nil // the disk is slow, not the network
	}
	f.endSession()
	select {
	case <-time.After(sessionGap):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	f.newSession(ctx)
	for cids := range slices.Chunk(slices.Collect(maps.Keys(f.wanted)), examineBatch) {
		if err := f.ask(cids); err != nil {
			return err
		}
	}
	return nil
}

// addEmpty is for the block without data, as an empty file is. Most bitswap
// servers cannot send it, and it is known anyway.
func (f *fetcher) addEmpty(ctx context.Context, n node) error {
	b, err := blocks.NewBlockWithCid(nil, n.cid)
	if err != nil {
		return err
	}
	f.count(n, 0)
	return f.writer.write(ctx, b)
}

// isEmpty says whether c is the CID of a block without data.
func isEmpty(c cid.Cid) bool {
	sum, err := c.Prefix().Sum(nil)
	return err == nil && sum.Equals(c)
}
