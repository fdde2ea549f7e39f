package peer

import (
	"context"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// proxyOf returns the address of a peer's proxy.
func proxyOf(t *testing.T, p *Peer) string {
	t.Helper()
	for _, d := range p.doors {
		if d.section == "api.ipfsproxy" {
			listeners, ok := fieldOf[[]net.Listener](reflect.ValueOf(d.api).Elem(), "listeners")
			require.True(t, ok)
			return "http://" + (*listeners)[0].Addr().String()
		}
	}
	require.Fail(t, "no proxy")
	return ""
}

// resolving is a connector that resolves the paths of CIDs.
type resolving struct{ *memory }

func (resolving) Resolve(_ context.Context, path string) (api.Cid, error) {
	return api.DecodeCid(strings.TrimPrefix(path, "/ipfs/"))
}

// An update of a pin by itself changes nothing, and does not remove it. One of a pin
// that is not there, or has expired, pins nothing.
func TestProxyUpdates(t *testing.T) {
	p := startPeer(t, Options{Folder: newFolder(t, settings.Choice{IPFS: settings.IPFSKubo}), Connector: resolving{newMemory()}})
	update := poster(t, proxyOf(t, p)+"/api/v0/pin/update")
	self, other, expired := newCID(t, "self"), newCID(t, "other"), newCID(t, "expired")
	for c, query := range map[cid.Cid]string{self: "name=kept&meta-a=b&expire-in=1h", expired: "expire-in=1s"} {
		code, text := requestOf(t, p, "api.restapi", http.MethodPost, "/pins/"+c.String()+"?"+query, "")
		require.Equal(t, http.StatusOK, code, text)
	}
	stored := func(c cid.Cid) (api.Pin, error) { return p.cluster.PinGet(t.Context(), api.NewCid(c)) }
	before, err := stored(self)
	require.NoError(t, err)
	for _, args := range []string{
		"arg=" + self.String() + "&arg=" + self.String(),
		"arg=" + self.String() + "&arg=/ipfs/" + self.String() + "&unpin=false",
	} {
		code, text := update(args)
		require.Equal(t, http.StatusOK, code, text)
		require.JSONEq(t, `{"Pins":["`+self.String()+`","`+self.String()+`"]}`, text)
		after, err := stored(self)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
	require.Eventually(t, func() bool {
		pin, err := stored(expired)
		return err != nil || pin.ExpiredAt(time.Now())
	}, patient, 10*time.Millisecond)
	for _, from := range []cid.Cid{other, expired} {
		code, text := update("arg=" + from.String() + "&arg=" + newCID(t, "new").String())
		require.Equal(t, http.StatusInternalServerError, code, text)
		require.Contains(t, text, "'from' cid was not recursively pinned already")
	}
	_, err = stored(newCID(t, "new"))
	require.Error(t, err)

	code, text := update("arg=" + self.String() + "&arg=" + other.String())
	require.Equal(t, http.StatusOK, code, text)
	require.JSONEq(t, `{"Pins":["`+self.String()+`","`+other.String()+`"]}`, text)
	_, err = stored(self)
	require.Error(t, err, "it was replaced")
	after, err := stored(other)
	require.NoError(t, err)
	require.Equal(t, "kept", after.Name)

	code, _ = update("arg=" + self.String())
	require.Equal(t, http.StatusBadRequest, code)
	code, _ = update("arg=nonsense&arg=nonsense")
	require.Equal(t, http.StatusInternalServerError, code)
}

// poster returns what posts a query to an address.
func poster(t *testing.T, address string) func(query string) (int, string) {
	return func(query string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"?"+query, nil)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(text)
	}
}

// The proxy pins and unpins by GET, and asks for no credentials: no web page may
// make a browser do so.
func TestProxyIsNotOpenToWebPages(t *testing.T) {
	p := startPeer(t, Options{Folder: newFolder(t, settings.Choice{}), Connector: newMemory()})
	base := proxyOf(t, p)
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
