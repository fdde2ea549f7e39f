package common

import (
	"net/http"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	p2phttp "github.com/libp2p/go-libp2p-http"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func newTestHost(t testing.TB, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append(opts, libp2p.DisableMetrics())...)
	require.NoError(t, err)
	t.Cleanup(func() { h.Close() })
	return h
}

// libp2pClient returns an HTTP client for libp2p:// URLs that knows the server's
// addresses.
func libp2pClient(t testing.TB, s *Server) (*http.Client, peer.ID) {
	t.Helper()
	infos, err := peer.AddrInfosFromP2pAddrs(libp2pAddresses(s)...)
	require.NoError(t, err)
	require.Len(t, infos, 1)
	h := newTestHost(t, libp2p.NoListenAddrs)
	h.Peerstore().AddAddrs(infos[0].ID, infos[0].Addrs, peerstore.PermanentAddrTTL)
	transport := &http.Transport{}
	transport.RegisterProtocol("libp2p", p2phttp.NewTransport(h))
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}, h.ID()
}

func libp2pAddresses(s *Server) []ma.Multiaddr {
	var list []ma.Multiaddr
	for _, addr := range s.Addresses() {
		if _, err := addr.ValueForProtocol(ma.P_P2P); err == nil {
			list = append(list, addr)
		}
	}
	return list
}

func TestOwnLibp2pHost(t *testing.T) {
	id, key := identity(t)
	s, _ := newServer(t, func(c *Config) {
		c.ID, c.PrivateKey = id, key
		c.Libp2pListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0")
		c.BasicAuthCredentials = testUsers
	})
	var file logBuffer
	s.handler.access.writeTo(&file)
	require.NoError(t, s.Listen())
	require.Len(t, s.Addresses(), 3, "HTTP, and two of libp2p")
	require.Equal(t, "libp2p://"+id, s.URLs()[1])

	client, clientID := libp2pClient(t, s)
	require.Equal(t, `"open"`+"\n", get(t, client, s.URLs()[1]+"/open"))
	require.Equal(t, `"open"`+"\n", get(t, http.DefaultClient, s.URLs()[0]+"/open"), "both at once")
	require.Contains(t, file.String(), clientID.String()+" - - [")

	res, err := client.Get(s.URLs()[1] + "/items")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 401, res.StatusCode, "the same credentials are needed")
	r, err := http.NewRequest("GET", s.URLs()[1]+"/items", nil)
	require.NoError(t, err)
	r.SetBasicAuth("alice", "secret")
	res, err = client.Do(r)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 200, res.StatusCode)

	url := s.URLs()[1]
	shutdown(t, s)
	_, err = client.Get(url + "/open")
	require.Error(t, err)
}

// A peer ID costs nothing, so a new one is no new chance to guess.
func TestGuessesOverLibp2p(t *testing.T) {
	lent := newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	s, _ := newServer(t, func(c *Config) {
		c.BasicAuthCredentials = testUsers
		c.MaxAuthFailures = 1
	}, WithHost(lent))
	require.NoError(t, s.Listen())
	for _, want := range []int{401, 429} {
		client, _ := libp2pClient(t, s)
		r, err := http.NewRequest("GET", s.URLs()[0]+"/items", nil)
		require.NoError(t, err)
		r.SetBasicAuth("alice", "guess")
		res, err := client.Do(r)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, want, res.StatusCode)
	}
}

func TestLentLibp2pHost(t *testing.T) {
	lent := newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	s, _ := newServer(t, nil, WithHost(lent))
	require.NoError(t, s.Listen())
	require.Equal(t, []string{"libp2p://" + lent.ID().String()}, s.URLs())
	client, _ := libp2pClient(t, s)
	require.Equal(t, `"open"`+"\n", get(t, client, s.URLs()[0]+"/open"))

	shutdown(t, s)
	require.NotContains(t, lent.Mux().Protocols(), p2phttp.DefaultP2PProtocol)
	require.NoError(t, lent.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0")), "it is not ours to close")
}
