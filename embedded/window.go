package embedded

import "time"

const (
	// leastWants is how many blocks may be under way for a pin in any case.
	leastWants = 32
	// windowBytes bounds the size of what is under way for a pin, going by the
	// size of its blocks so far, and allBytes that of all pins together.
	windowBytes = 32 << 20
	allBytes    = 64 << 20
	// A block that arrives within fastArrival lets one more be asked for, one
	// that takes longer than slowArrival makes them fewer: what waits in a slow
	// peer's queue for too long is given up by bitswap.
	fastArrival = time.Second
	slowArrival = 3 * time.Second
)

// window decides how many blocks are under way at once for a pin.
type window struct {
	max    int
	wants  int       // 0 until the first block
	shrunk time.Time // what was asked for before cannot shrink it again
}

// size is the number of blocks, for a pin that is so far, one of that many.
func (w *window) size(so Fetch, pins int) int {
	average := int(so.Bytes/max(so.Blocks, 1)) + 1
	bytes := min(windowBytes, allBytes/max(pins, 1))
	return max(leastWants, min(w.wants, w.max, bytes/average))
}

// arrived tells when the block that arrived now was asked for.
func (w *window) arrived(asked time.Time) {
	w.wants = max(w.wants, 2*leastWants)
	took := time.Since(asked)
	switch {
	case took < fastArrival:
		w.wants = min(w.wants+1, w.max)
	case took > slowArrival && asked.After(w.shrunk):
		w.wants = max(w.wants/2, leastWants)
		w.shrunk = time.Now()
	}
}
