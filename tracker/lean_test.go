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

// TestListsAreLean: what is listed from the state has no large metadata, the error of the
// list is passed on, and a caller that has gone leaves nothing waiting.
func TestListsAreLean(t *testing.T) {
	small, large := api.Pin{}, api.Pin{}
	small.Metadata = map[string]string{"a": "b"}
	large.Name = "name"
	large.Metadata = map[string]string{"a": strings.Repeat("x", leanFrom)}
	broken := errors.New("broken")
	b := newIdleBench(t)
	b.options.State = func(context.Context) (state.ReadOnly, error) {
		return listState{pins: []api.Pin{small, large}, err: broken}, nil
	}
	var listed []api.Pin
	note := func(p statePin) error {
		pin, err := p.pin()
		listed = append(listed, pin)
		return err
	}
	require.ErrorIs(t, b.eachPin(t.Context(), note), broken)
	require.Len(t, listed, 2)
	require.Equal(t, small, listed[0])
	require.Equal(t, "name", listed[1].Name)
	require.Equal(t, map[string]string{leftOutKey: "yes"}, listed[1].Metadata)
	require.Len(t, large.Metadata["a"], leanFrom, "others may use it")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.eachPin(ended, note), context.Canceled)
	require.Len(t, listed, 2, "nobody takes the values")
	require.ErrorIs(t, b.eachPin(t.Context(), func(statePin) error { return errEnough }), errEnough)

	b.options.State = func(context.Context) (state.ReadOnly, error) { return nil, broken }
	require.ErrorIs(t, b.eachPin(t.Context(), note), broken)
}
