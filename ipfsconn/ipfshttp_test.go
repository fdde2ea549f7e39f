package ipfsconn

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// kubo answers as a Kubo daemon, as far as these tests need it.
type kubo struct {
	t      *testing.T
	addr   string
	server *http.Server

	mu     sync.Mutex
	pins   map[string]string // CID to type
	aborts int               // so many pin requests are cut off
}

func newKubo(t *testing.T) *kubo {
	k := &kubo{t: t, addr: "127.0.0.1:0", pins: make(map[string]string)}
	k.start()
	t.Cleanup(k.stop)
	return k
}

// start listens where the daemon has listened before.
func (k *kubo) start() {
	l, err := net.Listen("tcp", k.addr)
	require.NoError(k.t, err)
	k.addr = l.Addr().String()
	k.server = &http.Server{Handler: k}
	go k.server.Serve(l)
}

func (k *kubo) stop() { k.server.Close() }

func (k *kubo) multiaddr() multiaddr.Multiaddr {
	a, err := net.ResolveTCPAddr("tcp", k.addr)
	require.NoError(k.t, err)
	m, err := manet.FromNetAddr(a)
	require.NoError(k.t, err)
	return m
}

func (k *kubo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	arg, kind := r.FormValue("arg"), r.FormValue("type")
	switch strings.TrimPrefix(r.URL.Path, "/api/v0/") {
	case "id":
		fmt.Fprintf(w, `{"ID":%q}`, fakes.Other)
	case "pin/ls":
		k.list(w, arg, kind)
	case "pin/add":
		fmt.Fprint(w, `{"Progress":1}`)
		if k.aborts > 0 {
			k.aborts--
			return // as Kubo does when it is told to stop: the error is in a trailer
		}
		k.pins[arg] = "recursive"
	case "pin/rm":
		delete(k.pins, arg)
	default:
		http.NotFound(w, r)
	}
}

func (k *kubo) list(w http.ResponseWriter, arg, kind string) {
	if arg != "" && k.pins[arg] != kind {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"Message":"path '%s' is not pinned","Code":0,"Type":"error"}`, arg)
		return
	}
	for c, t := range k.pins {
		if t == kind && (arg == "" || arg == c) {
			fmt.Fprintf(w, `{"Cid":%q,"Type":%q}`+"\n", c, t)
		}
	}
}

func newKuboConnector(t *testing.T, k *kubo) *Connector {
	cfg := &ipfshttp.Config{}
	require.NoError(t, cfg.Default())
	cfg.NodeAddr = k.multiaddr()
	inner, err := NewKubo(cfg)
	require.NoError(t, err)
	c := New(inner)
	t.Cleanup(func() { require.NoError(t, c.Shutdown(t.Context())) })
	return c
}

func TestKuboPinsOfEveryTypeAreListed(t *testing.T) {
	k := newKubo(t)
	k.pins = map[string]string{fakes.CID(1).String(): "recursive", fakes.CID(2).String(): "direct", fakes.CID(3).String(): "recursive"}
	c := newKuboConnector(t, k)
	out := make(chan api.IPFSPinInfo, 10)
	require.NoError(t, c.PinLs(t.Context(), []string{"recursive", "direct"}, out))
	got := make(map[string]string)
	for info := range out {
		got[info.Cid.String()] = info.Type.String()
	}
	require.Equal(t, k.pins, got)
}

func TestKuboStopsWhilePinsAreUnderWay(t *testing.T) {
	k := newKubo(t)
	c := newKuboConnector(t, k)
	k.aborts = 5
	failed := make(chan error, 6)
	for i := range 5 {
		go func() { failed <- c.Pin(t.Context(), fakes.Pin(i, "x")) }()
	}
	require.Eventually(t, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.aborts == 0
	}, 10*time.Second, time.Millisecond)
	k.stop()
	go func() { failed <- c.Pin(t.Context(), fakes.Pin(5, "x")) }()
	require.Eventually(t, c.health.away, time.Minute, 10*time.Millisecond)
	require.Empty(t, failed)

	k.start()
	for range 6 {
		require.NoError(t, <-failed)
	}
	require.Len(t, k.pins, 6)
}
