package pinsvcapi

import (
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/test"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// TestMemory: a peer's last status is what the peer answered last since the pin was
// created, through any API.
func TestMemory(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	m := NewMemory()
	m.reports.now = func() time.Time { return now }
	info := api.GlobalPinInfo{Cid: test.Cid1, Created: now.Add(-time.Minute)}
	last := func() api.TrackerStatus {
		s, ok := m.Last(info, test.PeerID1)
		require.Equal(t, ok, s.Status != api.TrackerStatusUndefined)
		return s.Status
	}
	require.Zero(t, last())
	for status, want := range map[api.TrackerStatus]api.TrackerStatus{
		api.TrackerStatusPinned:               api.TrackerStatusPinned,
		api.TrackerStatusPinning:              api.TrackerStatusPinning,
		api.TrackerStatusPinError:             api.TrackerStatusPinError,
		api.TrackerStatusPinQueued:            api.TrackerStatusPinQueued,
		api.TrackerStatusUnexpectedlyUnpinned: api.TrackerStatusPinQueued,
	} {
		m.Saw(info.Cid, test.PeerID1, api.PinInfoShort{Status: status})
		require.Equal(t, want, last(), status)
	}
	m.Saw(info.Cid, test.PeerID1, api.PinInfoShort{Status: api.TrackerStatusPinned})
	for _, none := range []api.TrackerStatus{api.TrackerStatusUndefined, api.TrackerStatusClusterError, api.TrackerStatusRemote} {
		m.Saw(info.Cid, test.PeerID1, api.PinInfoShort{Status: none})
		require.Equal(t, api.TrackerStatusPinned, last(), none)
	}
	info.Created = now // within this second: the answer may be from before
	require.Zero(t, last())
	info.Metadata = map[string]string{pinset.CreatedKey: pinset.EncodeCreated(now.Add(-time.Millisecond))}
	require.Equal(t, api.TrackerStatusPinned, last())
	info.Metadata[pinset.CreatedKey] = pinset.EncodeCreated(now)
	require.Zero(t, last(), "removed and pinned anew")
	m.reports.recordList(test.PeerID1.String(), pinset.Unpinned{Asked: now.Add(time.Second)})
	require.Equal(t, api.TrackerStatusPinned, last(), "it is not among those that the peer has not pinned")
}
