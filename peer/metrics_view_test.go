package peer

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/metrics"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

func TestViewMeterCountsByStatus(t *testing.T) {
	p := startPeer(t, Options{Folder: newFolder(t, settings.Choice{}), Connector: newMemory()})
	for i := range 3 {
		status, body := request(t, p, http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q}`, newCID(t, fmt.Sprint(i))))
		require.Equal(t, http.StatusAccepted, status, body)
	}
	select {
	case <-p.view.Complete():
	case <-time.After(patient):
		require.Fail(t, "the view is not complete")
	}
	m := metrics.NewView(p.view)
	require.Eventually(t, func() bool {
		return testutil.CollectAndCompare(m, strings.NewReader(`
# HELP pinsvc_pins Pins of the pinset, by pin status.
# TYPE pinsvc_pins gauge
pinsvc_pins{status="failed"} 0
pinsvc_pins{status="pinned"} 3
pinsvc_pins{status="pinning"} 0
pinsvc_pins{status="queued"} 0
# HELP pinsvc_view_complete 1 when lists are made from the view, 0 while it is being built.
# TYPE pinsvc_view_complete gauge
pinsvc_view_complete 1
# HELP pinsvc_view_pins Pins that the view of the pinset has.
# TYPE pinsvc_view_pins gauge
pinsvc_view_pins 3
`), "pinsvc_pins", "pinsvc_view_complete", "pinsvc_view_pins") == nil
	}, patient, 50*time.Millisecond)
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
}
