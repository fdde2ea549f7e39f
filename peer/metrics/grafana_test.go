package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset/view"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// TestDashboardShowsEveryMetric: docs/grafana.json has the metrics of the code,
// and no other.
func TestDashboardShowsEveryMetric(t *testing.T) {
	api, err := pinsvcapi.New(pinsvcapi.DefaultConfig())
	require.NoError(t, err)
	var have []string
	name := regexp.MustCompile(`fqName: "(pinsvc_[a-z_]+)"`)
	for _, c := range []prometheus.Collector{NewPins(), NewView(view.New(view.Options{})), NewNode(fakeNode{}), NewLag(fakeLag{}), api.Collector()} {
		descs := make(chan *prometheus.Desc, 100)
		c.Describe(descs)
		close(descs)
		for d := range descs {
			have = append(have, name.FindStringSubmatch(d.String())[1])
		}
	}
	text, err := os.ReadFile("../../docs/grafana.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	var shown []string
	for _, p := range dashboard.Panels {
		require.NotEmpty(t, p.Targets)
		for _, target := range p.Targets {
			for _, m := range regexp.MustCompile(`pinsvc_[a-z_]+`).FindAllString(target.Expr, -1) {
				shown = append(shown, strings.TrimSuffix(m, "_bucket"))
			}
		}
	}
	sorted := func(all []string) []string { slices.Sort(all); return slices.Compact(all) }
	require.Equal(t, sorted(have), sorted(shown))
}
