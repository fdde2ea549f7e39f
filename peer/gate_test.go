package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// isOpen tells whether the cluster would become ready.
func isOpen(t *testing.T, g *gate) bool {
	t.Helper()
	select {
	case <-gatedConsensus{gate: g}.Ready(t.Context()):
		return true
	default:
		return false
	}
}

func TestGateIsClosedFirst(t *testing.T) {
	g := newGate()
	g.close()
	require.False(t, g.pass())
	require.False(t, isOpen(t, g), "a cluster that is shut down does not become ready")
}

func TestGateIsPassedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		require.True(t, g.pass())
		require.True(t, isOpen(t, g))
		closed := make(chan struct{})
		go func() { g.close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Fatal("a cluster that becomes ready is not shut down")
		default:
		}
		g.alert.Do(func() { close(g.running) })
		<-closed
	})
}

func TestGateGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		require.True(t, g.pass())
		start := time.Now()
		g.close()
		require.Equal(t, startPatience, time.Since(start))
	})
}
