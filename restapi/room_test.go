package restapi

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// A list of statuses comes without large metadata; clients see it all the same.
func TestLargeMetadataOfStatuses(t *testing.T) {
	a := newTestAPI(t)
	large := strings.Repeat("x", 100_000)
	pin := api.PinCid(cidA)
	pin.Metadata = map[string]string{"a": large, pinset.ReservedPrefix + "created": "1"}
	a.cluster.Pins = []api.Pin{pin}
	info := api.GlobalPinInfo{Cid: cidA, Metadata: map[string]string{leftOutKey: "yes"},
		PeerMap: map[string]api.PinInfoShort{"a": {Status: api.TrackerStatusPinned}}}
	a.cluster.Infos = []api.GlobalPinInfo{info}
	for _, target := range []string{"/pins", "/pins?local=true", "/pins?cids=" + cidA.String()} {
		w, _ := a.do(http.MethodGet, target, "")
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), large)
		require.NotContains(t, w.Body.String(), pinset.ReservedPrefix)
	}
}

// Answers about large pins wait for room, and are then a 503. Others need none.
func TestAnswersAboutLargePinsNeedRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := common.NewBudget(32 << 20)
		a := newTestAPI(t, WithOptions(common.Options{Budget: b}))
		a.cluster.Pins = []api.Pin{api.PinCid(cidA)}
		full := b.NewLease()
		require.NoError(t, full.Grow(1<<30))
		for _, target := range []string{"/allocations", "/allocations/" + cidA.String(), "/pins", "/pins/" + cidA.String()} {
			w, _ := a.do(http.MethodGet, target, "")
			require.Less(t, w.Code, 300, target)
		}
		b.Saw(1_000_000)
		for _, target := range []string{"/allocations", "/allocations/" + cidA.String(), "/pins", "/pins/" + cidA.String()} {
			w, _ := a.do(http.MethodGet, target, "")
			require.Equal(t, http.StatusServiceUnavailable, w.Code, target)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
		}
		full.Release()
		w, _ := a.do(http.MethodGet, "/allocations", "")
		require.Equal(t, http.StatusOK, w.Code)
	})
}
