package peer

import (
	"net/http"
	"strings"
	"testing"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

type fakeLag struct{ lag crdt.Lag }

func (f fakeLag) Lag() crdt.Lag { return f.lag }

// TestReadyTellsWhatIsMissing: changes that cannot be had are told, and only a
// peer that applies nothing is not ready.
func TestReadyTellsWhatIsMissing(t *testing.T) {
	p := startPeer(t, Options{Folder: newFolder(t, settings.Choice{}), Connector: newMemory()})
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
