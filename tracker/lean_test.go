package tracker

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/stretchr/testify/require"
)

// listState lists pins and then fails.
type listState struct {
	state.ReadOnly
	pins []api.Pin
	err  error
}

func (s listState) List(_ context.Context, out chan<- api.Pin) error {
	defer close(out)
	for _, p := range s.pins {
		out <- p
	}
	return s.err
}

func TestLeanState(t *testing.T) {
	small, large := api.Pin{}, api.Pin{}
	small.Metadata = map[string]string{"a": "b"}
	large.Name = "name"
	large.Metadata = map[string]string{"a": strings.Repeat("x", leanFrom)}
	broken := errors.New("broken")
	get := LeanState(func(context.Context) (state.ReadOnly, error) {
		return listState{pins: []api.Pin{small, large}, err: broken}, nil
	})
	st, err := get(t.Context())
	require.NoError(t, err)

	out := make(chan api.Pin, 2)
	require.ErrorIs(t, st.List(t.Context(), out), broken)
	require.Equal(t, small, <-out)
	got := <-out
	require.Equal(t, "name", got.Name)
	require.Equal(t, map[string]string{leftOutKey: "yes"}, got.Metadata)
	require.Len(t, large.Metadata["a"], leanFrom, "others may use it")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, st.List(ended, make(chan api.Pin)), broken, "nobody takes the values")

	_, err = LeanState(func(context.Context) (state.ReadOnly, error) { return nil, broken })(t.Context())
	require.ErrorIs(t, err, broken)
}
