package peer

import (
	"net"
	"net/http"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// The proxy pins and unpins by GET, and asks for no credentials: no web page may
// make a browser do so.
func TestProxyIsNotOpenToWebPages(t *testing.T) {
	p := startPeer(t, Options{Folder: newFolder(t, CreateOptions{}), Connector: newMemory()})
	var base string
	for _, d := range p.doors {
		if d.section == "api.ipfsproxy" {
			listeners, ok := fieldOf[[]net.Listener](reflect.ValueOf(d.api).Elem(), "listeners")
			require.True(t, ok)
			base = "http://" + (*listeners)[0].Addr().String()
		}
	}
	require.NotEmpty(t, base)
	for name, test := range map[string]struct {
		host, site string
		refused    bool
	}{
		"a program":      {"127.0.0.1", "", false},
		"a page":         {"127.0.0.1", "cross-site", true},
		"a rebound name": {"rebound.example", "", true},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v0/pin/ls", nil)
		require.NoError(t, err)
		r.Host = test.host
		if test.site != "" {
			r.Header.Set("Sec-Fetch-Site", test.site)
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, test.refused, answer.StatusCode == http.StatusForbidden, "%s: %d", name, answer.StatusCode)
	}
}
