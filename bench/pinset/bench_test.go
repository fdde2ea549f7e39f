package pinset_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/bench/pinset"
)

// What it takes to make 1,000 pins and to write them for an import.
func BenchmarkExport(b *testing.B) {
	for b.Loop() {
		require.NoError(b, pinset.Set{N: 1000}.Export(io.Discard))
	}
}
