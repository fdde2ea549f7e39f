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
	// A line about what is being fetched comes after firstInterval, and then after
	// pauses that get longer, up to maxInterval.
	firstInterval = 5 * time.Second
	maxInterval   = time.Minute
)

// showProgress prints the fetches of the embedded IPFS node on a terminal until
// stop is called. In a file or a journal these lines would only be noise, and
// with a Kubo nothing is known about fetches here.
func (a *app) showProgress(p *peer.Peer) (stop func()) {
	if !isTerminal(a.out) || !p.Embedded() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		writeProgress(ctx, a.out, p.Fetches)
	}()
	return func() {
		cancel()
		<-done
	}
}

// writeProgress prints a line from time to time until ctx ends. It skips a line
// that equals the one before.
func writeProgress(ctx context.Context, out io.Writer, fetches func() iter.Seq[embedded.Fetch]) {
	last, interval := "", firstInterval
	for {
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return
		}
		line := progressLine(fetches(), firstInterval)
		if line == "" {
			last, interval = "", firstInterval
			continue
		}
		if line != last {
			fmt.Fprintln(out, line)
			last, interval = line, min(2*interval, maxInterval)
		}
	}
}

// progressLine returns one line about all fetches that have taken at least so
// long, or "". Short fetches are not worth a line.
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
