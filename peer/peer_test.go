package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

const patient = 2 * time.Minute

// skipRaft skips a test of Raft under the race detector, whose pointer checks
// end a process that uses the library's old bolt database. The tests of the
// program run Raft as processes of their own.
func skipRaft(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("bolt does not pass checkptr")
	}
}

// startPeer starts a peer and waits until it is ready.
func startPeer(t *testing.T, o Options) *Peer {
	t.Helper()
	p, err := Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
	waitReady(t, p)
	return p
}

func waitReady(t *testing.T, p *Peer) {
	t.Helper()
	select {
	case <-p.Ready():
	case <-p.Done():
		t.Fatalf("the peer gave up: %v", p.Err())
	case <-time.After(patient):
		t.Fatal("the peer is not ready")
	}
}

// url is where the first address of a section is.
func url(t *testing.T, p *Peer, section string) string {
	t.Helper()
	for _, a := range p.Addresses() {
		if a.Section == section {
			require.NotEmpty(t, a.URLs, section)
			return a.URLs[0]
		}
	}
	t.Fatalf("no %s", section)
	return ""
}

// request sends one with the credentials of the peer's user.
func request(t *testing.T, p *Peer, method, path, body string) (int, string) {
	t.Helper()
	return requestOf(t, p, "api.pinsvcapi", method, path, body)
}

// requestOf is request to one of the APIs, which have the same credentials.
func requestOf(t *testing.T, p *Peer, section, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url(t, p, section)+path, strings.NewReader(body))
	require.NoError(t, err)
	r.SetBasicAuth(settings.DefaultUser, p.settings.Pinsvcapi.Value().BasicAuthCredentials[settings.DefaultUser])
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

func TestPeer(t *testing.T) {
	for _, c := range []struct{ consensus, datastore string }{
		{"crdt", "pebble"}, {"crdt", "leveldb"}, {"raft", "pebble"},
	} {
		t.Run(c.consensus+" "+c.datastore, func(t *testing.T) {
			if c.consensus == "raft" {
				skipRaft(t)
			}
			dir := newFolder(t, settings.Choice{Consensus: c.consensus, Datastore: c.datastore})
			pinned := newCID(t, "pinned")
			ipfs := newMemory()

			p := startPeer(t, Options{Folder: dir, Connector: ipfs})
			status, body := request(t, p, http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q,"name":"n"}`, pinned))
			require.Equal(t, http.StatusAccepted, status, body)
			require.Eventually(t, func() bool { return ipfs.has(api.NewCid(pinned)) }, patient, 10*time.Millisecond)
			require.NoError(t, p.Shutdown(t.Context()))
			require.True(t, ipfs.shut)
			require.NoError(t, p.Err(), "a shutdown is no failure")

			p = startPeer(t, Options{Folder: dir, Connector: ipfs})
			require.Eventually(t, func() bool {
				status, body = request(t, p, http.MethodGet, "/pins/"+pinned.String(), "")
				return status == http.StatusOK && strings.Contains(body, `"pinned"`)
			}, patient, 10*time.Millisecond, "%s", body)
			var got struct {
				Pin struct{ CID, Name string }
			}
			require.NoError(t, json.Unmarshal([]byte(body), &got))
			require.Equal(t, pinned.String(), got.Pin.CID)
			require.Equal(t, "n", got.Pin.Name)
		})
	}
}

func TestPeerServesEverySection(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	p := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	var sections []string
	for _, a := range p.Addresses() {
		sections = append(sections, a.Section)
		require.NotEmpty(t, a.URLs, a.Section)
	}
	require.Equal(t, []string{"api.pinsvcapi", "api.ipfsproxy", "api.restapi", "cluster"}, sections)

	answer, err := http.Get(url(t, p, "api.restapi") + "/id")
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	answer, err = http.Get(url(t, p, "api.pinsvcapi") + "/health")
	require.NoError(t, err)
	answer.Body.Close()
	require.Less(t, answer.StatusCode, 300)
}

func TestPeerAbsentSections(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, nil, "api", "pinsvcapi")
	testfolder.Edit(t, dir, nil, "api", "ipfsproxy")
	p := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	require.Len(t, p.Addresses(), 2)
	require.Equal(t, "api.restapi", p.Addresses()[0].Section)
}

func TestNobodyMayEnter(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	for _, section := range []string{"pinsvcapi", "restapi"} {
		testfolder.Edit(t, dir, map[string]any{}, "api", section, "basic_auth_credentials")
	}
	var notices bytes.Buffer
	p := startPeer(t, Options{Folder: dir, Connector: newMemory(), Notices: &notices})
	require.Equal(t, 2, strings.Count(notices.String(), "nobody"), notices.String())
	for _, path := range []string{url(t, p, "api.pinsvcapi") + "/pins", url(t, p, "api.restapi") + "/id"} {
		for _, user := range []string{"", settings.DefaultUser} {
			r, err := http.NewRequest(http.MethodGet, path, nil)
			require.NoError(t, err)
			r.SetBasicAuth(user, "")
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			answer.Body.Close()
			require.Equal(t, http.StatusUnauthorized, answer.StatusCode, path)
		}
	}
}

// TestStartFails: each failure is told in a line, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	for _, c := range []struct {
		name   string
		break_ func(*testing.T, string)
		wants  []string
	}{
		{"a busy port of ours", func(t *testing.T, _ string) {
			t.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/"+port)
		}, []string{"api.pinsvcapi", port}},
		{"a busy port of the REST API", func(t *testing.T, _ string) {
			t.Setenv("CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/"+port)
		}, []string{"api.restapi", port}},
		{"a busy port of the proxy", func(t *testing.T, _ string) {
			t.Setenv("CLUSTER_IPFSPROXY_LISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/"+port)
		}, []string{"api.ipfsproxy", port}},
		{"a busy port of the cluster", func(t *testing.T, _ string) {
			t.Setenv("CLUSTER_LISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/"+port)
		}, []string{"cluster.listen_multiaddress", port}},
		{"a busy port of the metrics", func(t *testing.T, _ string) {
			t.Setenv("CLUSTER_METRICS_ENABLESTATS", "true")
			t.Setenv("CLUSTER_METRICS_PROMETHEUSENDPOINT", "/ip4/127.0.0.1/tcp/"+port)
		}, []string{"observations.metrics.prometheus_endpoint", port}},
		{"a busy port of the cluster, and one that is not", func(t *testing.T, dir string) {
			t.Setenv("CLUSTER_LISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/"+port+",/ip4/127.0.0.1/tcp/0")
			testfolder.Edit(t, dir, nil, "informer") // which is found out later
		}, []string{"informer"}},
		{"no informer", func(t *testing.T, dir string) {
			testfolder.Edit(t, dir, nil, "informer")
		}, []string{"informer: none is configured"}},
		{"no datastore", func(t *testing.T, dir string) {
			testfolder.Edit(t, dir, nil, "datastore")
		}, []string{"datastore: none is configured"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newFolder(t, settings.Choice{})
			t.Run("broken", func(t *testing.T) {
				c.break_(t, dir)
				_, err := Start(t.Context(), Options{Folder: dir, Connector: newMemory()})
				require.Error(t, err)
				require.NotContains(t, err.Error(), "\n")
				for _, want := range c.wants {
					require.ErrorContains(t, err, want)
				}
			})
			l, err := folder.Lock(dir)
			require.NoError(t, err, "the folder is free again")
			require.NoError(t, l.Close())
		})
	}
}

func TestStartWithoutFolder(t *testing.T) {
	dir := t.TempDir()
	_, err := Start(t.Context(), Options{Folder: dir})
	require.ErrorIs(t, err, settings.ErrNoFolder)
}

func TestOnePeerPerFolder(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	p := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	_, err := Start(t.Context(), Options{Folder: dir, Connector: newMemory()})
	require.ErrorIs(t, err, folder.ErrLocked)
	require.ErrorContains(t, err, dir)
	require.ErrorIs(t, folder.ExportState(t.Context(), dir, io.Discard), folder.ErrLocked)
	require.ErrorIs(t, folder.CleanState(t.Context(), dir), folder.ErrLocked)
	_, err = folder.Create(dir, folder.CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "leveldb"}, Overwrite: true})
	require.ErrorIs(t, err, folder.ErrLocked)

	require.NoError(t, p.Shutdown(t.Context()))
	require.NoError(t, p.Shutdown(t.Context()), "twice is as good as once")
	require.NoError(t, folder.ExportState(t.Context(), dir, io.Discard))
}

func TestStartIsCancelled(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Start(ctx, Options{Folder: dir, Connector: newMemory()})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, folder.ExportState(t.Context(), dir, io.Discard), "the folder is free again")
}

// TestRaftNeedsAPeer: without somebody to vote it in, a peer that joins gives
// up with a reason instead of waiting for ever.
func TestRaftNeedsAPeer(t *testing.T) {
	skipRaft(t)
	dir := newFolder(t, settings.Choice{Consensus: "raft"})
	nobody := multiaddr.StringCast("/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")
	p, err := Start(t.Context(), Options{Folder: dir, Connector: newMemory(), Bootstrap: []multiaddr.Multiaddr{nobody}})
	require.NoError(t, err)
	select {
	case <-p.Done():
		require.ErrorContains(t, p.Err(), "bootstrapping to "+nobody.String())
		require.ErrorContains(t, p.Err(), "is that peer running, at that address, with the same cluster.secret?")
	case <-p.Ready():
		t.Error("ready without a leader")
	case <-time.After(patient):
		t.Error("still waiting")
	}
	status, body := request(t, p, http.MethodGet, "/pins", "")
	require.Equal(t, http.StatusServiceUnavailable, status, body)
	require.NoError(t, p.Shutdown(t.Context()))
}

// TestTwoPeers: a peer that bootstraps to another gets what is pinned there.
func TestTwoPeers(t *testing.T) {
	for _, consensus := range []string{"crdt", "raft"} {
		t.Run(consensus, func(t *testing.T) {
			if consensus == "raft" {
				skipRaft(t)
			}
			t.Setenv("CLUSTER_SECRET", strings.Repeat("ab", 32))
			one := startPeer(t, Options{Folder: newFolder(t, settings.Choice{Consensus: consensus}), Connector: newMemory()})
			addr := multiaddr.StringCast(url(t, one, "cluster"))
			two := startPeer(t, Options{
				Folder:    newFolder(t, settings.Choice{Consensus: consensus}),
				Connector: newMemory(),
				Bootstrap: []multiaddr.Multiaddr{addr},
			})
			for i, from := range []*Peer{one, two} {
				c := newCID(t, fmt.Sprint(consensus, i))
				status, body := request(t, from, http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q}`, c))
				require.Equal(t, http.StatusAccepted, status, body)
				for _, at := range []*Peer{one, two} {
					require.Eventually(t, func() bool {
						status, _ := request(t, at, http.MethodGet, "/pins/"+c.String(), "")
						return status == http.StatusOK
					}, patient, 20*time.Millisecond)
				}
			}
		})
	}
}
