package hidden

import (
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/stretchr/testify/require"
)

// TestHidden: another version of the library, which keeps things elsewhere, is
// an error and not a crash.
func TestHidden(t *testing.T) {
	type inner struct{ n int }
	outer := &struct {
		inner *inner
		none  *inner
	}{inner: &inner{7}}
	found, err := Field[int](outer, "inner", "n")
	require.NoError(t, err)
	require.Equal(t, 7, *found)
	for _, names := range [][]string{{"other"}, {"none", "n"}, {"inner", "n", "deeper"}} {
		_, err = Field[int](outer, names...)
		require.Error(t, err)
	}
	_, err = Field[string](outer, "inner", "n")
	require.ErrorContains(t, err, "is a int")
	_, err = Field[int](raft.Config{}, "x")
	require.Error(t, err)
}
