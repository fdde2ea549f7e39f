package pinset

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/stretchr/testify/require"
)

// countedReads is a state whose only pin is stored.
type countedReads struct {
	state.ReadOnly
	stored api.Pin
	reads  int
}

func (s *countedReads) Get(_ context.Context, c api.Cid) (api.Pin, error) {
	s.reads++
	if !c.Equals(s.stored.Cid) {
		return api.Pin{}, state.ErrNotFound
	}
	return s.stored, nil
}

func TestKnownState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := api.NewCid(testCID(1)), api.NewCid(testCID(2))
		st := &countedReads{stored: api.PinCid(one)}
		get := func(ctx context.Context, c api.Cid) bool {
			p, err := KnownState(ctx, st).Get(ctx, c)
			require.Equal(t, err == nil, p.Defined())
			return err == nil
		}
		require.True(t, get(t.Context(), one))
		require.Equal(t, 1, st.reads)

		none := WithRead(t.Context(), one, api.Pin{})
		require.False(t, get(none, one), "as it was read")
		require.Equal(t, 1, st.reads)
		require.False(t, get(none, two))
		require.Equal(t, 2, st.reads, "of another CID nothing is known")
		time.Sleep(readTTL + 1)
		require.True(t, get(none, one), "it may have changed since")
		require.Equal(t, 3, st.reads)

		require.True(t, get(WithRead(t.Context(), two, api.PinCid(two)), two))
		require.Equal(t, 3, st.reads)
	})
}
