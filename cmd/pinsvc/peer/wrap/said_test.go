package wrap

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	logging "github.com/ipfs/go-log/v2"
	"github.com/stretchr/testify/require"
)

// saidBy returns what is logged, as warnings and above, during a call.
func saidBy(t *testing.T, during func()) string {
	t.Helper()
	require.NoError(t, logging.SetLogLevel("pinsvc", "warn"))
	pipe := logging.NewPipeReader()
	written := make(chan string)
	go func() {
		text, _ := io.ReadAll(pipe)
		written <- string(text)
	}()
	during()
	require.NoError(t, pipe.Close())
	return <-written
}

// TestAnAbsenceIsSaidOnce: while the IPFS node is away, the log says so, and
// what to look at, but not again with every attempt.
func TestAnAbsenceIsSaidOnce(t *testing.T) {
	said := saidBy(t, func() {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			n := newNode(func(context.Context) error { return errors.New("nobody there") })
			n.question()
			tries := 0
			p := newPasses(ctx, func() ([]api.PinInfo, error) {
				tries++
				return nil, errAway
			})
			p.start()
			time.Sleep(time.Hour)
			cancel()
			n.stop()
			p.wait()
			require.Greater(t, tries, 100)
		})
	})
	require.Equal(t, 1, strings.Count(said, "pins wait for it. Is it running, at the address in ipfs_connector? nobody there"), said)
	require.Equal(t, 1, strings.Count(said, "comparing pins with IPFS"), said)
}
