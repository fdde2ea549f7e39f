package peer

import (
	"errors"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"

	"github.com/ipfs-cluster/pinsvc/peer/metrics"
)

// libraryTimeout is how long the library waits for its consensus before it shuts the
// cluster down by itself. That shutdown waits for the goroutine that it runs in and
// never ends, so the peer keeps the time itself (readyTimeout).
const libraryTimeout = 365 * 24 * time.Hour

// errNotPrepared is returned by Start in a program that has not called Prepare.
var errNotPrepared = errors.New("the program has not called peer.Prepare, which must come before the first Start")

// Prepare changes the settings of this process that every peer needs: the library's
// ReadyTimeout, and the default tracer of OpenCensus, which then makes no spans until
// tracing is enabled. A program calls it once, before its first Start and before other
// goroutines use the library; further calls change nothing.
func Prepare() {
	if ipfscluster.ReadyTimeout != libraryTimeout { // other peers of this process read it
		ipfscluster.ReadyTimeout = libraryTimeout
	}
	metrics.SwitchTracer()
}
