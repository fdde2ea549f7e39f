package pinset

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCreatedOf(t *testing.T) {
	ts := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600))
	stored := time.Date(2020, 7, 27, 17, 32, 28, 276e6, time.UTC)
	c := testCID(1)

	require.Equal(t, stored, CreatedOf(map[string]string{CreatedKey: "2020-07-27T17:32:28.276Z"}, ts, c))

	for name, meta := range map[string]map[string]string{
		"no metadata":       nil,
		"another precision": {CreatedKey: "2020-07-27T17:32:28.2761Z"},
		"no timestamp":      {CreatedKey: "yesterday"},
	} {
		t.Run(name, func(t *testing.T) {
			got := CreatedOf(meta, ts, c)
			require.Equal(t, got, CreatedOf(meta, ts.UTC(), c), "it does not depend on the zone")
			require.Equal(t, ts.UTC().Truncate(time.Second), got.Truncate(time.Second))
			require.Zero(t, got.Nanosecond()%int(time.Millisecond))
		})
	}
}

func TestDerivedCreatedSpreadsOverTheSecond(t *testing.T) {
	seen := make(map[time.Time]bool)
	for i := range 1000 {
		seen[CreatedOf(nil, testEpoch, testCID(i))] = true
	}
	require.Greater(t, len(seen), 500, "of 1000 pins in one second")
}

func TestEncodeCreatedHasThreeDigits(t *testing.T) {
	require.Equal(t, "2026-03-04T05:06:07.000Z", EncodeCreated(testEpoch))
	require.Equal(t, "2026-03-04T05:06:07.120Z", EncodeCreated(testEpoch.Add(120*time.Millisecond)))
	zone := time.FixedZone("", -3600)
	require.Equal(t, "2026-03-04T05:06:07.000Z", EncodeCreated(testEpoch.In(zone)))
}

// clockAt returns a Clock on a time that the test moves.
func clockAt(now *time.Time) *Clock {
	return ClockOf(func() time.Time { return *now }, func(time.Duration) {})
}

func TestClockIsUniqueAndIncreasing(t *testing.T) {
	now := testEpoch
	clock := clockAt(&now)
	last := clock.Next()
	for i := range 1000 {
		if i%100 == 99 {
			now = now.Add(3 * time.Millisecond)
		}
		next := clock.Next()
		require.True(t, next.After(last))
		require.Zero(t, next.Nanosecond()%int(time.Millisecond))
		last = next
	}
}

func TestClockStaysWithinASecond(t *testing.T) {
	now := testEpoch
	clock := clockAt(&now)
	for range 5000 {
		require.LessOrEqual(t, clock.Next().Sub(now), time.Second)
	}
	require.Equal(t, time.Second, clock.Next().Sub(now), "ties, at the bound")
	now = now.Add(-time.Hour)
	require.LessOrEqual(t, clock.Next().Sub(now), time.Second, "after the clock was set back")
}

func TestClockWaitsForItsPredecessor(t *testing.T) {
	now := testEpoch
	var slept time.Duration
	clock := ClockOf(func() time.Time { return now }, func(d time.Duration) { slept += max(d, 0); now = now.Add(max(d, 0)) })
	now = now.Add(300 * time.Millisecond)
	clock.Next()
	require.Equal(t, 700*time.Millisecond, slept)
	clock.Next()
	require.Equal(t, 700*time.Millisecond, slept)
}
