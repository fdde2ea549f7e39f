package components

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// The list of all statuses is that of the library, field by field, without the memory
// that it takes for what the IPFS node has pinned.
func TestListOfAllStatuses(t *testing.T) {
	everyKind(t, func(t *testing.T, r *rig) {
		origin, err := api.NewMultiaddr("/ip4/192.0.2.1/tcp/4001/p2p/" + fakes.Other.String())
		require.NoError(t, err)
		full := fakes.Pin(1, "full")
		full.Metadata = map[string]string{"key": "value", "other": ""}
		full.Origins = []api.Multiaddr{origin}
		direct := fakes.Pin(2, "direct")
		direct.MaxDepth, direct.Mode = 0, api.PinModeDirect
		for _, p := range []api.Pin{full, direct, fakes.Pin(3, "lost"), fakes.RemotePin(4), fakes.Pin(5, "")} {
			r.pin(p)
			if p.Name != "remote" {
				require.Eventually(t, func() bool {
					return r.tracker.Status(t.Context(), p.Cid).Status == api.TrackerStatusPinned
				}, time.Minute, time.Millisecond)
			}
		}
		r.ipfs.Set(func(f *fakes.IPFS) { delete(f.Pins, fakes.CID(3)) })
		r.ipfs.Set(func(f *fakes.IPFS) { f.Hangs = func(api.Pin) bool { return true } })
		r.pin(fakes.Pin(6, "hangs"))
		r.becomes(6, api.TrackerStatusPinning)

		const lost = api.TrackerStatusUnexpectedlyUnpinned
		for _, filter := range []api.TrackerStatus{
			api.TrackerStatusUndefined, api.TrackerStatusPinned, api.TrackerStatusRemote, api.TrackerStatusSharded,
			lost | fakes.InMemory, lost | api.TrackerStatusPinning, api.TrackerStatusPinned | api.TrackerStatusRemote,
		} {
			got, err := statuses(t, r.tracker, filter)
			require.NoError(t, err)
			want, err := statuses(t, r.library, filter)
			require.NoError(t, err)
			require.Equal(t, want, got, filter)
		}
		got, err := statuses(t, r.tracker, lost)
		require.NoError(t, err)
		require.Len(t, got, 1, "what is being fetched is not lost, though the library says so")

		r.ipfs.Set(func(f *fakes.IPFS) { f.Mode = "away" })
		_, err = statuses(t, r.tracker, api.TrackerStatusPinned)
		require.Error(t, err)
		r.ipfs.Set(func(f *fakes.IPFS) { f.Mode, f.Hangs = "", nil })
	})
}

type lister interface {
	StatusAll(context.Context, api.TrackerStatus, chan<- api.PinInfo) error
}

// statuses returns a list, sorted by CID.
func statuses(t *testing.T, l lister, filter api.TrackerStatus) ([]api.PinInfo, error) {
	t.Helper()
	out := make(chan api.PinInfo, 100)
	err := l.StatusAll(t.Context(), filter, out)
	var all []api.PinInfo
	for info := range out {
		all = append(all, info)
	}
	slices.SortFunc(all, func(a, b api.PinInfo) int { return strings.Compare(a.Cid.String(), b.Cid.String()) })
	return all, err
}
