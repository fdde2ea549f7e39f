package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
)

type fakeLag struct{ lag crdt.Lag }

func (f fakeLag) Lag() crdt.Lag { return f.lag }

func TestLagMeter(t *testing.T) {
	m := NewLag(fakeLag{crdt.Lag{
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
