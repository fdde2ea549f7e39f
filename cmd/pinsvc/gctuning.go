package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// trimEvery is how often the heap is looked at.
	trimEvery = 30 * time.Second
	// limitEvery is how often the limits of garbage follow the live heap: a view of a large
	// pinset is built in seconds.
	limitEvery = time.Second
	// trimFrom is how much memory has to be gained, in bytes.
	trimFrom = 128 << 20
	// largeHeap is from how many live bytes on the garbage collector runs twice
	// as often as usual: most of them are the view of a large pinset, which stays,
	// and as much again would be left for garbage.
	largeHeap = 200 << 20
	// calmHeap is how many bytes the runtime may have before it collects garbage
	// more often than the garbage collector's percentage says, as long as little is
	// alive: what a burst of requests leaves behind does not stay for long.
	calmHeap = 448 << 20
	largeGC  = 50
	usualGC  = 100
)

// tuneGC returns unused memory to the operating system until ctx ends, and adapts the
// garbage collector to the live heap. A comparison of a large pinset with the IPFS node,
// or with the view, leaves several times the size of the pinset as garbage, and the
// runtime keeps that memory for a long time.
func tuneGC(ctx context.Context) {
	ticker, limiting := time.NewTicker(trimEvery), time.NewTicker(limitEvery)
	defer ticker.Stop()
	defer limiting.Stop()
	_, chosen := os.LookupEnv("GOGC") // by the operator, who knows better
	_, limited := os.LookupEnv("GOMEMLIMIT")
	percent := usualGC
	for {
		select {
		case <-ticker.C:
			if worthTrimming(heap()) {
				debug.FreeOSMemory()
			}
		case <-limiting.C:
			live, _ := heap()
			if p := gcPercent(live); p != percent && !chosen {
				percent = p
				debug.SetGCPercent(p) // stops the world, so only when it changes
			}
			if !limited {
				debug.SetMemoryLimit(softLimit(live))
			}
		case <-ctx.Done():
			return
		}
	}
}

// gcPercent returns how much garbage there may be before a collection, in
// percent of what is alive.
func gcPercent(live uint64) int {
	if live >= largeHeap {
		return largeGC
	}
	return usualGC
}

// softLimit returns from how many bytes on the runtime collects garbage more often.
// A large view of the pinset is alive and has to fit well into it.
func softLimit(live uint64) int64 { return max(calmHeap, 3*int64(live)) }

// worthTrimming tells whether a heap holds a lot more than what was alive at the
// last collection. Half as much is for what is being done.
func worthTrimming(live, held uint64) bool {
	return held > live+live/2+trimFrom
}

// heap returns what was alive at the last collection, and what the heap holds,
// in bytes.
func heap() (live, held uint64) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	for _, s := range samples[1:] {
		held += s.Value.Uint64()
	}
	return samples[0].Value.Uint64(), held
}
