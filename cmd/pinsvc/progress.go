package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/peer"
)

const (
	// A line about what is being fetched comes after firstLine, and then after
	// pauses that get longer, up to lastPause.
	firstLine = 5 * time.Second
	lastPause = time.Minute
)

// showProgress tells a person at a terminal what the embedded node fetches,
// until stop is called. In a file or a journal nobody would read it.
func (a *app) showProgress(p *peer.Peer) (stop func()) {
	if !isTerminal(a.out) || !p.Embedded() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tellProgress(ctx, a.out, p.Fetches)
	}()
	return func() {
		cancel()
		<-done
	}
}

// tellProgress writes a line now and then, until ctx ends. One that would say
// the same as the last is not written.
func tellProgress(ctx context.Context, out io.Writer, fetches func() iter.Seq[embedded.Fetch]) {
	last, pause := "", firstLine
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		line := progressLine(fetches(), firstLine)
		if line == "" {
			last, pause = "", firstLine
			continue
		}
		if line != last {
			fmt.Fprintln(out, line)
			last, pause = line, min(2*pause, lastPause)
		}
	}
}

// progressLine is one line about all pins that have been fetched for so long,
// or nothing.
func progressLine(fetches iter.Seq[embedded.Fetch], least time.Duration) string {
	var first embedded.Fetch
	var sum embedded.Fetch
	count := 0
	for f := range fetches {
		if time.Since(f.Started) < least {
			continue
		}
		if count == 0 {
			first = f
		}
		count++
		sum.Blocks += f.Blocks
		sum.Bytes += f.Bytes
	}
	size := fmt.Sprintf("%s, %s so far", counted(sum.Blocks, "block"), humanize.IBytes(sum.Bytes))
	switch count {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("Fetching %s: %s", first.Cid, size)
	default:
		return fmt.Sprintf("Fetching %s: %s, the oldest %s", counted(count, "pin"), size, first.Cid)
	}
}
