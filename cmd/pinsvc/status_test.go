package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

func TestProcessStatus(t *testing.T) {
	folder := newFolder(t)
	require.Contains(t, refuse(t, "", "-c", folder, "status"), "nobody can be asked")
	t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", freeAddress(t))
	t.Setenv("CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS", freeAddress(t))
	require.Contains(t, refuse(t, "", "-c", folder, "status"), "does the daemon run?")
	d := startDaemon(t, folder)
	const cid = "bafkreigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm"
	code, _, err := newClient(t, folder, d).do(http.MethodPost, "/pins", `{"cid":"`+cid+`","name":"a\u001b[2J\nFAKE\u009b"}`)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, code)

	var r report
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "", "-c", folder, "status", "--json")), &r))
	require.NotEmpty(t, r.Peer.ID)
	require.NotEmpty(t, r.Peer.IPFS)
	require.Equal(t, r.Ready, len(r.Reasons) == 0)
	require.Empty(t, r.Missing)
	all := 0
	for _, n := range r.Pins {
		all += n
	}
	require.Equal(t, 1, all)
	text := succeed(t, "", "-c", folder, "status")
	require.Contains(t, text, "Peer "+r.Peer.Name+" ("+r.Peer.ID+")")
	require.Contains(t, text, "PINNED")
	isClean(t, text)
	require.Contains(t, refuse(t, "", "-c", folder, "status", "--last", "-1"), "--last")
	require.Zero(t, d.end(t, syscall.SIGTERM))
}

// freeAddress returns a multiaddress that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	a, err := manet.FromNetAddr(s.Listener.Addr())
	require.NoError(t, err)
	return a.String()
}

func TestReportNamesTheOldestAndTheLast(t *testing.T) {
	var r report
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, minute := range []int{3, 1, 4, 2} {
		at := start.Add(time.Duration(minute) * time.Minute)
		r.addPin(api.GlobalPinInfo{PeerMap: map[string]api.PinInfoShort{
			"a": {Status: api.TrackerStatusPinQueued, TS: at},
			"b": {Status: api.TrackerStatusPinError, TS: at, Error: "why"},
			"c": {Status: api.TrackerStatusPinned, TS: at},
		}}, 2)
	}
	minutes := func(lines []pinLine) (all []int) {
		for _, l := range lines {
			all = append(all, l.Since.Minute())
		}
		return all
	}
	require.Equal(t, []int{1, 2}, minutes(r.Queued))
	require.Equal(t, []int{4, 3}, minutes(r.Failed))
	require.Equal(t, "why", r.Failed[0].Error)
}

// TestOwnPeerOverTLS: only who has the configured certificate gets the token.
func TestOwnPeerOverTLS(t *testing.T) {
	asked := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		require.Contains(t, r.Header.Get("Authorization"), "Bearer ")
		_ = json.NewEncoder(w).Encode(7)
	}))
	defer s.Close()
	addr, err := manet.FromNetAddr(s.Listener.Addr())
	require.NoError(t, err)
	folder := t.TempDir()
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), pem.EncodeToMemory(block), 0o600))
	}
	cfg := common.Config{
		HTTPListenMultiaddress: []multiaddr.Multiaddr{addr}, SSLCertFile: "cert.pem", SSLKeyFile: "key.pem",
		BasicAuthCredentials: map[string]string{"alice": "wonderland of 1865"},
	}
	p, err := newOwnPeer(folder, "api.x", cfg)
	require.NoError(t, err)
	var n int
	require.NoError(t, p.get(t.Context(), "/", value(&n)))
	require.Equal(t, 7, n)

	pair.Certificate = [][]byte{append([]byte(nil), pair.Certificate[0]...)}
	check, err := onlyCertificate(folder, cfg)
	require.NoError(t, err)
	require.NoError(t, check.VerifyPeerCertificate([][]byte{pair.Certificate[0]}, nil))
	require.Error(t, check.VerifyPeerCertificate([][]byte{[]byte("another")}, nil))
	require.Error(t, check.VerifyPeerCertificate(nil, nil))
	require.Equal(t, 1, asked)
}

// TestReportNamesPeersThatAreDown: with the time; those that answer are not
// touched, and right after a start nobody is called down.
func TestReportNamesPeersThatAreDown(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	seen := now.Add(-time.Hour)
	known := folder.KnownPeers{Complete: now.Add(-time.Minute), Peers: []folder.KnownPeer{
		{ID: "up", Name: "up", Seen: true, LastSeen: now, Since: seen},
		{ID: "frozen", Name: "frozen", Seen: true, LastSeen: now, Since: seen},
		{ID: "down", Name: "down", LastSeen: seen, Since: seen},
		{ID: "never", Since: seen},
	}}
	report := func(at time.Time) map[string]peerLine {
		r := report{Peers: []peerLine{{ID: libp2p.ID("up").String(), Name: "up"}, {ID: libp2p.ID("frozen").String(), Error: "timeout"}}}
		r.addKnown(known, at)
		lines := make(map[string]peerLine)
		for _, p := range r.Peers {
			id := slices.IndexFunc(known.Peers, func(k folder.KnownPeer) bool { return k.ID.String() == p.ID })
			lines[string(known.Peers[id].ID)] = p
		}
		return lines
	}
	lines := report(now)
	require.Len(t, lines, 4)
	require.Equal(t, peerLine{ID: libp2p.ID("up").String(), Name: "up"}, lines["up"])
	require.Equal(t, "timeout", lines["frozen"].Error)
	require.Nil(t, lines["frozen"].DownSince)
	require.Equal(t, "down since 2026-01-01T23:00:00Z", lines["down"].Error)
	require.Equal(t, seen, *lines["down"].DownSince)
	require.Equal(t, "down, never seen, known since 2026-01-01T23:00:00Z", lines["never"].Error)

	lines = report(known.Complete.Add(-time.Second))
	require.Nil(t, lines["down"].DownSince)
	require.Equal(t, seen, *lines["down"].LastSeen)
	require.Contains(t, lines["down"].Error, "a moment ago; last seen 2026-01-01T23:00:00Z")
}
