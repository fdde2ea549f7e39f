package ipfsconn

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// TestAnAbsenceIsSaidOnce: while the IPFS node is away, the log says so, and
// what to look at, but not again with every attempt.
func TestAnAbsenceIsSaidOnce(t *testing.T) {
	said := fakes.Logged(t, func() {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			n := newHealth(func(context.Context) error { tries++; return errors.New("nobody there") })
			n.suspect()
			time.Sleep(time.Hour)
			n.stop()
			require.Greater(t, tries, 100)
		})
	})
	require.Equal(t, 1, strings.Count(said, "pins wait for it. Is it running, at the address in ipfs_connector? nobody there"), said)
}
