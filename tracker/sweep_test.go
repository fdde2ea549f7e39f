package tracker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// TestAFailedComparisonIsSaidOnce: the log does not say it again with every attempt.
func TestAFailedComparisonIsSaidOnce(t *testing.T) {
	said := fakes.Logged(t, func() {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			tries := 0
			p := newSweeps(ctx, func() ([]api.PinInfo, error) {
				tries++
				return nil, errors.New("nobody there")
			})
			p.start()
			time.Sleep(time.Hour)
			cancel()
			p.wait()
			require.Greater(t, tries, 100)
		})
	})
	require.Equal(t, 1, strings.Count(said, "comparing pins with IPFS"), said)
}
