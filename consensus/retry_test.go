package consensus

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWritesAreTriedAgain: a Raft write outlives a change of the leader.
func TestWritesAreTriedAgain(t *testing.T) {
	c := New(newFakeConsensus(), Options{})
	failing := fmt.Errorf("leadership lost while committing log")
	tries := 0
	require.NoError(t, c.retry(t.Context(), func() error {
		if tries++; tries < 4 {
			return failing
		}
		return nil
	}))
	require.Equal(t, 4, tries)

	tries = 0
	tooLarge := fmt.Errorf("a text that crossed a wire: the pin is larger than 1 MiB with its name, meta and origins")
	require.ErrorIs(t, c.retry(t.Context(), func() error { tries++; return tooLarge }), tooLarge)
	require.Equal(t, 1, tries)

	ctx, cancel := context.WithCancel(t.Context())
	err := c.retry(ctx, func() error { cancel(); return failing })
	require.ErrorIs(t, err, failing)
	require.ErrorContains(t, err, "no Raft leader")
}
