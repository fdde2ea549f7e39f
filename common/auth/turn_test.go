package auth

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAWrongGuessKeepsItsTurnForAWhile(t *testing.T) {
	g := NewThrottle().withLimit(1)
	g.Interval = time.Hour
	for _, status := range []int{401, 429} {
		a, refusal := g.begin(t.Context(), "a")
		require.Nil(t, refusal)
		require.Equal(t, status, a.wrong(&Refusal{Status: 401}).Status)
		a.end()
	}
	s, _ := g.suspects.Get("a")
	require.Len(t, s.turn, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, refusal := g.begin(ctx, "a")
	require.NotNil(t, refusal, "a client that goes away waits no longer")
	require.Zero(t, s.waiting.Load())
}
