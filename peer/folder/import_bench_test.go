package folder

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
)

// An import into an empty folder.
func BenchmarkImport(b *testing.B) {
	for _, o := range backendsOfPeers {
		b.Run(fmt.Sprintf("%s/%d", nameOf(o), importedPins), func(b *testing.B) {
			var text bytes.Buffer
			require.NoError(b, fixture.Set{N: importedPins}.Export(&text))
			folder := newFolder(b, o)
			b.ReportAllocs()
			for b.Loop() {
				n, err := ImportState(b.Context(), folder, bytes.NewReader(text.Bytes()), ImportOptions{})
				require.NoError(b, err)
				require.Equal(b, importedPins, n)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/importedPins, "µs/pin")
		})
	}
}

const importedPins = 100_000
