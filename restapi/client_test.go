package restapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/api/rest/client"
	libtest "github.com/ipfs-cluster/ipfs-cluster/test"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// serve starts the component with the library's mock of a peer, which must be
// asked by an adapter that is the real one.
func serve(t *testing.T, dir string, change func(*Config)) *API {
	t.Helper()
	cfg := DefaultConfig()
	cfg.HTTPListenMultiaddress = config.Multiaddrs{ma.StringCast("/ip4/127.0.0.1/tcp/0")}
	cfg.BasicAuthCredentials = auth.Users{"alice": "secret"}
	if change != nil {
		change(&cfg)
	}
	a, err := New(cfg, WithOptions(common.Options{BaseDir: dir}))
	require.NoError(t, err)
	a.SetClient(libtest.NewMockRPCClient(t))
	require.NoError(t, a.Listen())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, a.Shutdown(ctx))
	})
	return a
}

// dial returns the library's client for an address of the component.
func dial(t *testing.T, cfg client.Config) client.Client {
	t.Helper()
	if cfg.Username == "" {
		cfg.Username, cfg.Password = "alice", "secret"
	}
	cfg.LogLevel = "fatal"
	c, err := client.NewDefaultClient(&cfg)
	require.NoError(t, err)
	return c
}

// writeCertificate makes cert.pem and key.pem for 127.0.0.1.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
}

// eachDoor runs a test with the library's client over HTTP, HTTPS, a unix
// socket and libp2p.
func eachDoor(t *testing.T, test func(*testing.T, func(user, password string) client.Client)) {
	plain := func(a *API, change func(*client.Config)) func(string, string) client.Client {
		return func(user, password string) client.Client {
			cfg := client.Config{APIAddr: a.Addresses()[0], Username: user, Password: password}
			if change != nil {
				change(&cfg)
			}
			return dial(t, cfg)
		}
	}
	t.Run("HTTP", func(t *testing.T) { test(t, plain(serve(t, "", nil), nil)) })
	t.Run("HTTPS", func(t *testing.T) {
		dir := t.TempDir()
		writeCertificate(t, dir)
		a := serve(t, dir, func(c *Config) { c.SSLCertFile, c.SSLKeyFile = "cert.pem", "key.pem" })
		test(t, plain(a, func(c *client.Config) { c.SSL, c.NoVerifyCert = true, true }))
	})
	t.Run("unix", func(t *testing.T) {
		socket := filepath.Join(t.TempDir(), "api.sock")
		test(t, plain(serve(t, "", func(c *Config) {
			c.HTTPListenMultiaddress = config.Multiaddrs{ma.StringCast("/unix" + socket)}
		}), nil))
	})
	t.Run("libp2p", func(t *testing.T) {
		test(t, plain(serve(t, "", func(c *Config) {
			priv, _, err := crypto.GenerateEd25519Key(rand.Reader)
			require.NoError(t, err)
			raw, err := crypto.MarshalPrivateKey(priv)
			require.NoError(t, err)
			id, err := peer.IDFromPrivateKey(priv)
			require.NoError(t, err)
			c.ID, c.PrivateKey = id.String(), config.Secret(base64.StdEncoding.EncodeToString(raw))
			c.HTTPListenMultiaddress = nil
			c.Libp2pListenMultiaddress = config.Multiaddrs{ma.StringCast("/ip4/127.0.0.1/tcp/0")}
		}), nil))
	})
}

// all collects what a client's method sends.
func all[T any](t testing.TB, list func(chan<- T) error) ([]T, error) {
	t.Helper()
	out := make(chan T, 1000)
	err := list(out)
	var values []T
	for v := range out {
		values = append(values, v)
	}
	return values, err
}

func requireCode(t *testing.T, code int, err error) {
	t.Helper()
	var e api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, e.Message)
}

func TestClientIsKnown(t *testing.T) {
	eachDoor(t, func(t *testing.T, as func(user, password string) client.Client) {
		c := as("alice", "secret")
		id, err := c.ID(t.Context())
		require.NoError(t, err)
		require.Equal(t, libtest.PeerID1, id.ID)
		require.NoError(t, c.Health(t.Context()))
		peers, err := all(t, func(out chan<- api.ID) error { return c.Peers(t.Context(), out) })
		require.NoError(t, err)
		require.Len(t, peers, 1)
		added, err := add(t, c, "content", api.DefaultAddParams())
		require.NoError(t, err)
		require.NotEmpty(t, added)

		for _, wrong := range []client.Client{as("alice", "wrong"), as("bob", "secret")} {
			_, err := wrong.ID(t.Context())
			requireCode(t, 401, err)
			_, err = all(t, func(out chan<- api.ID) error { return wrong.Peers(t.Context(), out) })
			requireCode(t, 401, err)
			require.NoError(t, wrong.Health(t.Context()))
		}
	})
}

func TestClientMembersAndHealth(t *testing.T) {
	c := dial(t, client.Config{APIAddr: serve(t, "", nil).Addresses()[0]})
	ctx := t.Context()
	version, err := c.Version(ctx)
	require.NoError(t, err)
	require.Equal(t, "0.0.mock", version.Version)
	id, err := c.PeerAdd(ctx, libtest.PeerID2)
	require.NoError(t, err)
	require.Equal(t, libtest.PeerID1, id.ID)
	require.NoError(t, c.PeerRm(ctx, libtest.PeerID2))
	graph, err := c.GetConnectGraph(ctx)
	require.NoError(t, err)
	require.Len(t, graph.ClusterLinks, 3)
	alerts, err := c.Alerts(ctx)
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	bandwidth, err := c.BandwidthByProtocol(ctx)
	require.NoError(t, err)
	require.Len(t, bandwidth, 2)
	names, err := c.MetricNames(ctx)
	require.NoError(t, err)
	require.Len(t, names, 2)
	metrics, err := c.Metrics(ctx, "ping")
	require.NoError(t, err)
	require.Len(t, metrics, 1)
	for _, local := range []bool{true, false} {
		gc, err := c.RepoGC(ctx, local)
		require.NoError(t, err)
		require.Len(t, gc.PeerMap[libtest.PeerID1.String()].Keys, 5)
	}
}

func TestClientPins(t *testing.T) {
	c := dial(t, client.Config{APIAddr: serve(t, "", nil).Addresses()[0]})
	ctx := t.Context()
	options := api.PinOptions{
		Name: "n ä&?/", ReplicationFactorMin: 1, ReplicationFactorMax: 2, Mode: api.PinModeDirect,
		Metadata: map[string]string{"k": "v", "x": ""}, UserAllocations: []peer.ID{libtest.PeerID1},
		ExpireAt: time.Now().Add(time.Hour).UTC(),
		Origins:  []api.Multiaddr{api.NewMultiaddrWithValue(ma.StringCast("/ip4/1.2.3.4/tcp/1/p2p/" + libtest.PeerID1.String()))},
	}
	pin, err := c.Pin(ctx, libtest.Cid1, options)
	require.NoError(t, err)
	require.Equal(t, libtest.Cid1, pin.Cid)
	require.True(t, pin.PinOptions.Equals(options), "%+v", pin)
	require.EqualValues(t, 0, pin.MaxDepth)
	pin, err = c.Unpin(ctx, libtest.Cid1)
	require.NoError(t, err)
	require.Equal(t, libtest.Cid1, pin.Cid)
	for _, path := range []string{libtest.PathIPFS1, libtest.PathIPFS2, libtest.PathIPFS3, libtest.PathIPNS1, libtest.PathIPNS2, libtest.PathIPLD1, libtest.PathIPLD2, libtest.Cid1.String()} {
		pin, err := c.PinPath(ctx, path, options)
		require.NoError(t, err, path)
		require.Equal(t, options.Name, pin.Name)
		_, err = c.UnpinPath(ctx, path)
		require.NoError(t, err, path)
	}
	pin, err = c.Allocation(ctx, libtest.Cid1)
	require.NoError(t, err)
	require.Equal(t, libtest.Cid1, pin.Cid)
	for filter, want := range map[api.PinType]int{api.DataType | api.MetaType: 3, api.AllType: 3, api.ShardType: 0} {
		pins, err := all(t, func(out chan<- api.Pin) error { return c.Allocations(ctx, filter, out) })
		require.NoError(t, err)
		require.Len(t, pins, want)
	}

	_, err = c.Allocation(ctx, libtest.NotFoundCid)
	requireCode(t, 404, err)
	_, err = c.Unpin(ctx, libtest.NotFoundCid)
	requireCode(t, 404, err)
	_, err = c.UnpinPath(ctx, "/ipfs/"+libtest.ErrorCid.String())
	requireCode(t, 500, err)
	_, err = c.Pin(ctx, libtest.ErrorCid, api.PinOptions{})
	requireCode(t, 500, err)
	_, err = c.Pin(ctx, libtest.Cid1, api.PinOptions{Metadata: map[string]string{pinset.ReservedPrefix + "created": "x"}})
	requireCode(t, 400, err)
}

func TestClientStatus(t *testing.T) {
	c := dial(t, client.Config{APIAddr: serve(t, "", nil).Addresses()[0]})
	ctx := t.Context()
	for _, local := range []bool{false, true} {
		info, err := c.Status(ctx, libtest.Cid1, local)
		require.NoError(t, err)
		require.Equal(t, libtest.Cid1, info.Cid)
		require.Len(t, info.PeerMap, 1)
		info, err = c.Recover(ctx, libtest.Cid1, local)
		require.NoError(t, err)
		require.Len(t, info.PeerMap, 1)
		_, err = c.Status(ctx, libtest.ErrorCid, local)
		requireCode(t, 500, err)

		infos, err := all(t, func(out chan<- api.GlobalPinInfo) error {
			return c.StatusCids(ctx, []api.Cid{libtest.Cid1, libtest.Cid2}, local, out)
		})
		require.NoError(t, err)
		require.Len(t, infos, 2)
		infos, err = all(t, func(out chan<- api.GlobalPinInfo) error { return c.StatusAll(ctx, 0, local, out) })
		require.NoError(t, err)
		require.Len(t, infos, map[bool]int{false: 3, true: 2}[local])
		infos, err = all(t, func(out chan<- api.GlobalPinInfo) error { return c.RecoverAll(ctx, local, out) })
		require.NoError(t, err)
		require.Len(t, infos, map[bool]int{false: 3, true: 0}[local])

		_, err = all(t, func(out chan<- api.GlobalPinInfo) error {
			return c.StatusCids(ctx, []api.Cid{libtest.ErrorCid, libtest.ErrorCid}, local, out)
		})
		requireCode(t, 500, err)
	}
	// Each of the client's filters is understood, alone and with others.
	for i, status := range api.TrackerStatusAll() {
		for _, filter := range []api.TrackerStatus{status, status | api.TrackerStatusAll()[(i+1)%len(api.TrackerStatusAll())]} {
			_, err := all(t, func(out chan<- api.GlobalPinInfo) error { return c.StatusAll(ctx, filter, false, out) })
			require.NoError(t, err, filter.String())
		}
	}
	infos, err := all(t, func(out chan<- api.GlobalPinInfo) error {
		return c.StatusAll(ctx, api.TrackerStatusError|api.TrackerStatusPinning, false, out)
	})
	require.NoError(t, err)
	require.Len(t, infos, 2)

	waited, err := client.WaitFor(ctx, c, client.StatusFilterParams{
		Cid: libtest.Cid1, Target: api.TrackerStatusPinned, CheckFreq: time.Millisecond,
	})
	require.NoError(t, err)
	require.Equal(t, libtest.Cid1, waited.Cid)
}

// A load-balancing client goes on to the next peer only for what is no answer.
func TestLoadBalancingClient(t *testing.T) {
	a := serve(t, "", nil)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := gone.Addr().(*net.TCPAddr).Port
	require.NoError(t, gone.Close())
	var configs []*client.Config
	for _, addr := range []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port)), a.Addresses()[0]} {
		configs = append(configs, &client.Config{APIAddr: addr, Username: "alice", Password: "secret", LogLevel: "fatal"})
	}
	c, err := client.NewLBClient(&client.Failover{}, configs, 3)
	require.NoError(t, err)
	id, err := c.ID(t.Context())
	require.NoError(t, err)
	require.Equal(t, libtest.PeerID1, id.ID)
	_, err = c.Allocation(t.Context(), libtest.NotFoundCid)
	requireCode(t, 404, err)
}

func TestTokenWorksInBothWays(t *testing.T) {
	a := serve(t, "", nil)
	token, err := auth.IssueToken("alice", "secret", time.Hour)
	require.NoError(t, err)
	w, _ := (&testAPI{t: t, cluster: &fakeCluster{}, API: a}).do("POST", "/token", `{"expires_in":"1m"}`, "Authorization", "Bearer "+token)
	require.Equal(t, 200, w.Code, w.Body.String())
	require.True(t, strings.HasPrefix(w.Body.String(), `{"token":"`))
}
