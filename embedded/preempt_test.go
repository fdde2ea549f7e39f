package embedded

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPreemptedPin: the blocks of an attempt that gave way survive collections,
// the next attempt goes on from there, and the removal of the pin lets them go.
func TestPreemptedPin(t *testing.T) {
	t.Parallel()
	d := wide("preempted", 200, 1000, 200)
	for name, tt := range map[string]struct {
		cause error
		kept  bool
	}{
		"gave way": {ErrPreempted, true},
		"given up": {context.Canceled, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := startNode(t)
			load(t, source, d[:150]...)
			n := startNode(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- n.Pin(ctx, pinOf(d.root(), origins(t, source))) }()
			require.Eventually(t, func() bool {
				blocks, _, _ := n.Progress(d.root())
				return blocks == 150
			}, waitMax, waitMax/10000)
			cancel(tt.cause)
			require.ErrorIs(t, <-ended, tt.cause)
			require.NoError(t, source.Shutdown(context.Background()))

			report, err := n.RepoGC(t.Context())
			require.NoError(t, err)
			if !tt.kept {
				require.NotEmpty(t, report.Keys)
				return
			}
			require.Empty(t, report.Keys)
			requireHas(t, n, d[:150]...)

			rest := startNode(t)
			load(t, rest, d[150:]...)
			require.NoError(t, n.Pin(t.Context(), pinOf(d.root(), origins(t, rest))))
			requireHas(t, n, d...)
			require.Empty(t, n.jobs.needed())
		})
	}
}

// TestPreemptedPinIsRemoved: nothing protects its blocks after that.
func TestPreemptedPinIsRemoved(t *testing.T) {
	t.Parallel()
	d := wide("preempted and removed", 20, 100, 100)
	n := startNode(t)
	load(t, n, d[:10]...)
	forget(n)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Pin(ctx, pinOf(d.root(), nil)) }()
	require.Eventually(t, func() bool {
		blocks, _, _ := n.Progress(d.root())
		return blocks == 10
	}, waitMax, waitMax/10000)
	cancel(ErrPreempted)
	require.ErrorIs(t, <-ended, ErrPreempted)
	require.NoError(t, n.Unpin(t.Context(), pinOf(d.root(), nil).Cid))
	report, err := n.RepoGC(t.Context())
	require.NoError(t, err)
	require.Len(t, report.Keys, 10)
}
