package metrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// statusTracker is a tracker that says what a test wants.
type statusTracker struct {
	ipfscluster.PinTracker
	infos []api.PinInfo
	err   error
	asked int
}

func (s *statusTracker) StatusAll(_ context.Context, filter api.TrackerStatus, out chan<- api.PinInfo) error {
	defer close(out)
	s.asked++
	for _, info := range s.infos {
		if filter.Match(info.Status) {
			out <- info
		}
	}
	return s.err
}

func infoOf(status api.TrackerStatus, age time.Duration) api.PinInfo {
	return api.PinInfo{PinInfoShort: api.PinInfoShort{Status: status, TS: time.Now().Add(-age)}}
}

func TestMeterCountsWhatIsNotPinned(t *testing.T) {
	tracker := &statusTracker{infos: []api.PinInfo{
		infoOf(api.TrackerStatusPinQueued, time.Minute), infoOf(api.TrackerStatusPinQueued, time.Hour),
		infoOf(api.TrackerStatusUnexpectedlyUnpinned, 0), infoOf(api.TrackerStatusPinning, 2*time.Hour),
		infoOf(api.TrackerStatusPinError, 3*time.Hour), infoOf(api.TrackerStatusPinned, 4*time.Hour),
	}}
	m := NewPins()
	m.Tracker = tracker
	const want = `
# HELP pinsvc_peer_pins_unpinned Pins that this peer is to hold and does not yet, by status (queued, pinning, failed).
# TYPE pinsvc_peer_pins_unpinned gauge
pinsvc_peer_pins_unpinned{status="failed"} 1
pinsvc_peer_pins_unpinned{status="pinning"} 1
pinsvc_peer_pins_unpinned{status="queued"} 3
`
	for range 2 {
		require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(want), "pinsvc_peer_pins_unpinned"))
	}
	require.Equal(t, 1, tracker.asked, "however often somebody collects")
	require.WithinDuration(t, time.Now().Add(-time.Hour), m.last.oldest, time.Minute)

	failing := NewPins()
	failing.Tracker = &statusTracker{err: errors.New("stopping")}
	require.Zero(t, testutil.CollectAndCount(failing, "pinsvc_peer_pins_unpinned"))
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestMeterNotesAttempts(t *testing.T) {
	m := NewPins()
	m.Attempted(api.Pin{Timestamp: time.Now().Add(-time.Minute)}, nil)
	for err, reason := range map[error]string{
		context.DeadlineExceeded: "timeout", context.Canceled: "timeout", errors.New("no progress for 2m"): "timeout",
		fmt.Errorf("dial: %w", syscall.ECONNREFUSED): "unreachable", errors.New("unexpected EOF"): "unreachable",
		errors.New("storage limit reached: 1 of 2"): "no_space", syscall.ENOSPC: "no_space",
		errors.New("no such pin type"): "other",
	} {
		before := testutil.ToFloat64(m.failures.WithLabelValues(reason))
		m.Attempted(api.Pin{}, err)
		require.Equal(t, before+1, testutil.ToFloat64(m.failures.WithLabelValues(reason)), err)
	}
	m.Tracker = &statusTracker{}
	require.Equal(t, 1, testutil.CollectAndCount(m, "pinsvc_pin_accepted_to_pinned_seconds"))
}
