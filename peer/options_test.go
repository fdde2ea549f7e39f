package peer

import (
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
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestObservations: metrics are served, and traces sent to a Jaeger agent, when
// the section or an option says so.
func TestObservations(t *testing.T) {
	agent, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer agent.Close()
	port := freePort(t)
	dir := newFolder(t, settings.Choice{})
	testfolder.Edit(t, dir, "/ip4/127.0.0.1/tcp/"+strconv.Itoa(port), "observations", "metrics", "prometheus_endpoint")
	testfolder.Edit(t, dir, "/ip4/127.0.0.1/udp/"+strconv.Itoa(agent.LocalAddr().(*net.UDPAddr).Port), "observations", "tracing", "jaeger_agent_endpoint")
	testfolder.Edit(t, dir, 1, "observations", "tracing", "sampling_prob")

	p := startPeer(t, Options{Folder: dir, Connector: newMemory(), Stats: true, Tracing: true})
	for _, s := range []bool{p.settings.Cluster.Tracing, p.settings.Crdt.Tracing, p.settings.Ipfshttp.Tracing, p.settings.Ipfsproxy.Tracing} {
		require.True(t, s)
	}
	answer, err := http.Get("http://127.0.0.1:" + strconv.Itoa(port) + "/metrics")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), "cluster_")
	status, body := request(t, p, http.MethodPost, "/pins", `{"cid":"`+newCID(t, "traced").String()+`"}`)
	require.Equal(t, http.StatusAccepted, status, body)
	require.NoError(t, p.Shutdown(t.Context())) // which sends what is left
	packet := make([]byte, 1<<16)
	n, _, err := agent.ReadFrom(packet)
	require.NoError(t, err)
	require.Contains(t, string(packet[:n]), "cluster-daemon")
}

func TestTrust(t *testing.T) {
	addrs := []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT")}
	for _, noTrust := range []bool{false, true} {
		dir := newFolder(t, settings.Choice{})
		testfolder.Edit(t, dir, []any{}, "consensus", "crdt", "trusted_peers")
		p, err := Start(t.Context(), Options{Folder: dir, Connector: newMemory(), Bootstrap: addrs, NoTrust: noTrust})
		require.NoError(t, err)
		require.Len(t, p.settings.Crdt.TrustedPeers, map[bool]int{false: 1, true: 0}[noTrust])
		require.NoError(t, p.Shutdown(t.Context()))
	}
}

// TestLeave: a peer that leaves gives up its pinset, on Raft also its vote.
func TestLeave(t *testing.T) {
	for _, consensus := range []string{"crdt", "raft"} {
		t.Run(consensus, func(t *testing.T) {
			if consensus == "raft" {
				skipRaft(t)
			}
			t.Setenv("CLUSTER_SECRET", strings.Repeat("cd", 32))
			one := startPeer(t, Options{Folder: newFolder(t, settings.Choice{Consensus: consensus}), Connector: newMemory()})
			dir := newFolder(t, settings.Choice{Consensus: consensus})
			two := startPeer(t, Options{
				Folder: dir, Connector: newMemory(), Leave: true,
				Bootstrap: []multiaddr.Multiaddr{multiaddr.StringCast(url(t, one, "cluster"))},
			})
			c := newCID(t, "left behind "+consensus)
			status, body := request(t, two, http.MethodPost, "/pins", `{"cid":"`+c.String()+`"}`)
			require.Equal(t, http.StatusAccepted, status, body)
			require.Eventually(t, func() bool { // else it would be lost with the peer that leaves
				status, _ := request(t, one, http.MethodGet, "/pins/"+c.String(), "")
				return status == http.StatusOK
			}, patient, 10*time.Millisecond)
			require.NoError(t, two.Shutdown(t.Context()))

			require.Empty(t, export(t, dir))
			if consensus == "raft" {
				members := make(chan api.ID, 10)
				one.cluster.Peers(t.Context(), members)
				require.Len(t, members, 1)
			}
			status, _ = request(t, one, http.MethodGet, "/pins/"+c.String(), "")
			require.Equal(t, http.StatusOK, status)
		})
	}
}

// freePort returns a TCP port of 127.0.0.1 that is free now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
