package components

import (
	"sync/atomic"
	"testing"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// BenchmarkLogPin compares what the library's consensus takes from eight
// writers, not durable, with what the wrapped one takes.
func BenchmarkLogPin(b *testing.B) {
	batch := func(age time.Duration) crdt.BatchingConfig {
		return crdt.BatchingConfig{MaxBatchSize: 100, MaxBatchAge: age, MaxQueueSize: 50000}
	}
	for _, bb := range []struct {
		name    string
		batch   crdt.BatchingConfig
		library bool
	}{
		{"library", crdt.BatchingConfig{}, true},
		{"wrapped", crdt.BatchingConfig{}, false},
		{"wrapped, batches of 2ms", batch(2 * time.Millisecond), false},
		{"wrapped, batches of 5ms", batch(5 * time.Millisecond), false},
		{"wrapped, batches of 10ms", batch(10 * time.Millisecond), false},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := newRig(b, rigOptions{batch: bb.batch, pins: 10})
			var c ipfscluster.Consensus = r.consensus
			if bb.library {
				c = r.inner
			}
			var n atomic.Int64
			b.SetParallelism(4) // on two cores
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := c.LogPin(b.Context(), fakes.Pin(int(n.Add(1)), "x")); err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pins/s")
		})
	}
}
