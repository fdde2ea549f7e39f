package peer

import (
	"net/http"
	"strings"
	"testing"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
)

type fakeLag struct{ lag crdt.Lag }

func (f fakeLag) Lag() crdt.Lag { return f.lag }

// TestReadyTellsWhatIsMissing: changes that cannot be had are told, and only a
// peer that applies nothing is not ready.
func TestReadyTellsWhatIsMissing(t *testing.T) {
	p := startPeer(t, Options{Folder: newFolder(t, CreateOptions{}), Connector: newMemory()})
	require.NotNil(t, p.lagging)
	require.Eventually(t, func() bool {
		status, _ := request(t, p, http.MethodGet, "/ready", "")
		return status == http.StatusOK
	}, patient, 10*time.Millisecond)
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	var many []crdt.Waiting
	for range maxWarned + 5 {
		many = append(many, crdt.Waiting{Peer: p.local.id, Heads: 1, Since: ago(time.Hour), Reason: "why"})
	}
	for _, c := range []struct {
		name   string
		lag    crdt.Lag
		status int
		want   []string
	}{
		{"nothing", crdt.Lag{Applying: time.Second}, http.StatusOK, []string{`"reasons":[]}`}},
		{"for a moment", crdt.Lag{Waiting: []crdt.Waiting{{Heads: 1, Since: ago(0)}}}, http.StatusOK, []string{`"reasons":[]}`}},
		{"for long", crdt.Lag{Waiting: []crdt.Waiting{{Peer: libp2p.ID("x"), Heads: 3, Since: ago(time.Minute), Reason: "no peer has it"}}},
			http.StatusOK, []string{`"ready":true`, "not connected, cannot be had since", "(3 heads): no peer has it"}},
		{"many", crdt.Lag{Waiting: many}, http.StatusOK, []string{"changes of 5 more peers"}},
		{"nothing is applied", crdt.Lag{Applying: time.Minute}, http.StatusServiceUnavailable, []string{"not applied since 1m0s"}},
	} {
		p.lagging = fakeLag{c.lag}
		for _, section := range []string{"api.pinsvcapi", "api.restapi"} {
			status, body := requestOf(t, p, section, http.MethodGet, "/ready", "")
			require.Equal(t, c.status, status, "%s: %s", c.name, body)
			for _, w := range c.want {
				require.Contains(t, body, w, c.name)
			}
			require.LessOrEqual(t, strings.Count(body, "cannot be had"), maxWarned)
		}
	}
}

func TestLagMeter(t *testing.T) {
	m := newLagMeter(fakeLag{crdt.Lag{
		Waiting: []crdt.Waiting{{Heads: 2, Since: time.Now()}, {Heads: 3, Since: time.Now().Add(-time.Hour)}},
		Dropped: 7, Applying: 2 * time.Second,
	}})
	require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP pinsvc_crdt_applying_seconds How long the change that is being applied takes so far.
# TYPE pinsvc_crdt_applying_seconds gauge
pinsvc_crdt_applying_seconds 2
# HELP pinsvc_crdt_dropped_heads_total Announced heads that were dropped: too many, or too old. They come again with the next announcement.
# TYPE pinsvc_crdt_dropped_heads_total counter
pinsvc_crdt_dropped_heads_total 7
# HELP pinsvc_crdt_missing_heads Heads announced by other peers whose changes cannot be had. They are tried again.
# TYPE pinsvc_crdt_missing_heads gauge
pinsvc_crdt_missing_heads 5
# HELP pinsvc_crdt_missing_heads_peers Peers that announced those heads.
# TYPE pinsvc_crdt_missing_heads_peers gauge
pinsvc_crdt_missing_heads_peers 2
`), "pinsvc_crdt_applying_seconds", "pinsvc_crdt_dropped_heads_total", "pinsvc_crdt_missing_heads", "pinsvc_crdt_missing_heads_peers"))
	require.Equal(t, 1, testutil.CollectAndCount(m, "pinsvc_crdt_missing_heads_oldest_seconds"))
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
}
