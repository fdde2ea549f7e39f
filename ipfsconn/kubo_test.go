package ipfsconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
	"go.opencensus.io/stats/view"

	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/internal/backoff"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// daemon is a Kubo whose pin/add is a test's.
type daemon struct {
	add func(http.ResponseWriter, *http.Request)

	mu     sync.Mutex
	asked  []string // the commands but pin/ls, with their queries
	pinned map[string]bool
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	command := strings.TrimPrefix(r.URL.Path, "/api/v0/")
	if command != "pin/ls" {
		d.asked = append(d.asked, r.Method+" "+command+"?"+r.URL.RawQuery)
	}
	pinned := d.pinned[r.FormValue("arg")]
	d.mu.Unlock()
	switch command {
	case "pin/ls":
		if !pinned {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `{"Message":"path '%s' is not pinned","Code":0,"Type":"error"}`, r.FormValue("arg"))
			return
		}
		fmt.Fprintf(w, `{"Cid":%q,"Type":"recursive"}`, r.FormValue("arg"))
	case "id":
		fmt.Fprintf(w, `{"ID":%q}`, fakes.Other)
	case "pin/add":
		d.add(w, r)
	case "pin/update":
		fmt.Fprint(w, `{"Pins":[]}`)
	case "swarm/connect":
		<-r.Context().Done() // an origin that nobody answers at
	}
}

func (d *daemon) commands(name string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.asked), func(s string) bool { return !strings.Contains(s, " "+name+"?") })
}

// newTestKubo returns a connector to a daemon on TCP.
func newTestKubo(t *testing.T, d *daemon, change func(*ipfshttp.Config)) *Kubo {
	t.Helper()
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	return connectKubo(t, "/ip4/127.0.0.1/tcp/"+server.URL[strings.LastIndex(server.URL, ":")+1:], change)
}

func connectKubo(t *testing.T, addr string, change func(*ipfshttp.Config)) *Kubo {
	t.Helper()
	cfg := &ipfshttp.Config{}
	require.NoError(t, cfg.Default())
	cfg.NodeAddr = multiaddr.StringCast(addr)
	if change != nil {
		change(cfg)
	}
	k, err := NewKubo(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Shutdown(context.Background())) })
	return k
}

// lines sends progress lines as they are.
func lines(w http.ResponseWriter, text string) {
	fmt.Fprint(w, text)
	w.(http.Flusher).Flush()
}

// TestKuboPinErrors: whatever way the daemon ends pin/add, Pin returns the reason.
func TestKuboPinErrors(t *testing.T) {
	const half = `{"Progress":1,"Bytes":1`
	trailer := func(text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Stream-Error")
			lines(w, text)
			w.Header().Set("X-Stream-Error", "pin: block X is\nbroken")
		}
	}
	for name, c := range map[string]struct {
		add   func(http.ResponseWriter, *http.Request)
		want  string // "": pinned
		again bool   // the connection's error, after which the pin is tried again
	}{
		"pinned": {add: func(w http.ResponseWriter, _ *http.Request) {
			lines(w, "{}\n{\"Progress\":2,\"Bytes\":9}\n{\"Pins\":[\"x\"]}\n")
		}},
		"an empty trailer": {add: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Stream-Error")
			lines(w, `{"Progress":2}{"Pins":["x"]}`)
			w.Header().Set("X-Stream-Error", "")
		}},
		"a trailer after progress":  {add: trailer("{\"Progress\":1}\n"), want: "IPFS error (pin/add): pin: block X is broken"},
		"a trailer after no line":   {add: trailer(""), want: "pin: block X is broken"},
		"a trailer after half":      {add: trailer(half), want: "pin: block X is broken"},
		"a trailer after the pins":  {add: trailer(`{"Pins":["x"]}`), want: "pin: block X is broken"},
		"an error among the lines":  {add: said(200, "{\"Progress\":1}\n{\"Message\":\"no room\",\"Type\":\"error\"}\n"), want: "IPFS error (pin/add): no room"},
		"an error before all lines": {add: said(500, `{"Message":"not now","Code":0,"Type":"error"}`), want: "IPFS error (pin/add): not now"},
		"a proxy's error":           {add: said(403, "403 - Forbidden\n"), want: "IPFS request failed (pin/add): 403 Forbidden: 403 - Forbidden"},
		"what is no JSON":           {add: said(200, "<html>"), want: "the answer of the IPFS node (pin/add): invalid character"},
		"half a line":               {add: said(200, half), want: "unexpected EOF", again: true},
		"a connection that is cut": {add: func(w http.ResponseWriter, _ *http.Request) {
			lines(w, "{\"Progress\":1}\n")
			panic(http.ErrAbortHandler)
		}, want: "unexpected EOF", again: true},
		"a connection that is cut before all lines": {add: func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, want: "EOF", again: true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTestKubo(t, &daemon{add: c.add}, nil)
			err := k.Pin(t.Context(), fakes.Pin(1, "x"))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.again, interrupted(err))
		})
	}
}

func said(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		lines(w, body)
	}
}

// TestKuboPinTimesOut: a daemon that repeats itself makes no progress.
func TestKuboPinTimesOut(t *testing.T) {
	for name, c := range map[string]struct{ first, again, want string }{
		"silence":        {"", "", "timed out: no block arrived for 100ms: nobody has delivered the root"},
		"nothing so far": {"", "{}\n", "timed out: no block arrived for 100ms: nobody has delivered the root"},
		"bytes":          {`{"Progress":3,"Bytes":2048}`, `{"Progress":3,"Bytes":2048}`, "timed out: no block arrived for 100ms: 3 blocks (2.0 KiB) are here, nobody has delivered the rest"},
		"a single block": {`{"Progress":1}`, `{"Progress":1}`, "timed out: no block arrived for 100ms: 1 block is here, nobody has delivered the rest"},
		"an older Kubo":  {`{"Progress":3}`, `{"Progress":3}`, "timed out: no block arrived for 100ms: 3 blocks are here, nobody has delivered the rest"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &daemon{add: func(w http.ResponseWriter, r *http.Request) {
				if c.first != "" {
					lines(w, c.first)
				}
				for r.Context().Err() == nil {
					if c.again != "" {
						lines(w, c.again)
					}
					backoff.Sleep(r.Context(), 10*time.Millisecond)
				}
			}}
			k := newTestKubo(t, d, func(cfg *ipfshttp.Config) { cfg.PinTimeout = 100 * time.Millisecond })
			require.EqualError(t, k.Pin(t.Context(), fakes.Pin(1, "x")), c.want)
		})
	}
}

// TestKuboPinWithProgressDoesNotTimeOut: the timeout is for the time without
// progress, which more bytes or more blocks are.
func TestKuboPinWithProgressDoesNotTimeOut(t *testing.T) {
	f := newKuboFetch(time.Hour, nil)
	t.Cleanup(f.stop)
	resets := func(blocks, bytes uint64) bool {
		f.timer.Stop()
		f.moved(blocks, bytes)
		return f.timer.Stop() // it runs again
	}
	require.False(t, resets(0, 0))
	require.True(t, resets(1, 0))
	require.True(t, resets(1, 10), "more bytes")
	require.True(t, resets(2, 10), "more blocks")
	require.False(t, resets(2, 10))
	require.False(t, resets(1, 5))
	blocks, bytes, ok := f.progress()
	require.Equal(t, []any{uint64(2), uint64(10), true}, []any{blocks, bytes, ok})
	never := newKuboFetch(0, func() { t.Error("a timeout of 0 is none") })
	never.moved(1, 1)
	never.stop()
}

// TestKuboProgress: it is known while the pin is fetched, and not after that.
func TestKuboProgress(t *testing.T) {
	more := make(chan string)
	d := &daemon{add: func(w http.ResponseWriter, _ *http.Request) {
		for text := range more {
			lines(w, text)
		}
	}}
	k := newTestKubo(t, d, nil)
	pin := fakes.Pin(1, "x")
	ended := make(chan error, 1)
	go func() { ended <- k.Pin(t.Context(), pin) }()
	at := func(blocks, bytes uint64, ok bool) func() bool {
		return func() bool {
			b, s, is := k.Progress(pin.Cid.Cid)
			return b == blocks && s == bytes && is == ok
		}
	}
	more <- "{}\n"
	require.Eventually(t, at(0, 0, true), time.Minute, time.Millisecond)
	more <- `{"Progress":12,"Bytes":34}`
	require.Eventually(t, at(12, 34, true), time.Minute, time.Millisecond)
	_, _, ok := k.Progress(fakes.CID(2).Cid)
	require.False(t, ok)
	close(more)
	require.NoError(t, <-ended)
	require.True(t, at(0, 0, false)())
}

// TestKuboPinIsEndedFromOutside: an attempt that gives way, or whose pin is
// removed, ends with its context and is no failure, but an error all the same.
func TestKuboPinIsEndedFromOutside(t *testing.T) {
	begun := make(chan struct{}, 2)
	d := &daemon{add: func(w http.ResponseWriter, r *http.Request) {
		lines(w, `{"Progress":1}`)
		begun <- struct{}{}
		<-r.Context().Done()
	}}
	require.NoError(t, view.Register(observations.PinsPinAddErrorView))
	t.Cleanup(func() { view.Unregister(observations.PinsPinAddErrorView) })
	k := newTestKubo(t, d, nil)
	for _, cause := range []error{nil, embedded.ErrPreempted} {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-begun
			cancel(cause)
		}()
		require.ErrorIs(t, k.Pin(ctx, fakes.Pin(1, "x")), context.Canceled)
	}
	require.Zero(t, sum(t, observations.PinsPinAddErrorView))

	wrapped := New(k)
	wrapped.Within(func(ctx context.Context, _ api.Cid) (context.Context, func(error)) {
		ctx, cancel := context.WithCancelCause(ctx)
		go func() {
			<-begun
			cancel(embedded.ErrPreempted)
		}()
		return ctx, func(err error) { require.ErrorIs(t, err, embedded.ErrPreempted) }
	})
	require.ErrorIs(t, wrapped.Pin(t.Context(), fakes.Pin(1, "x")), embedded.ErrPreempted)
	wrapped.health.stop()
}

func sum(t *testing.T, v *view.View) (total float64) {
	t.Helper()
	rows, err := view.RetrieveData(v.Name)
	require.NoError(t, err)
	for _, r := range rows {
		switch d := r.Data.(type) {
		case *view.SumData:
			total += d.Value
		case *view.LastValueData:
			total += d.Value
		}
	}
	return total
}

// TestKuboRequests: what the daemon is asked for a pin.
func TestKuboRequests(t *testing.T) {
	d := &daemon{add: said(200, `{"Pins":["x"]}`), pinned: map[string]bool{fakes.CID(9).String(): true}}
	k := newTestKubo(t, d, nil)
	pin := fakes.Pin(1, "x")
	require.NoError(t, k.Pin(t.Context(), pin))
	pin.MaxDepth = 0
	require.NoError(t, k.Pin(t.Context(), pin))
	pin.MaxDepth = 3
	require.NoError(t, k.Pin(t.Context(), pin))
	c := pin.Cid.String()
	require.Equal(t, []string{
		"POST pin/add?arg=" + c + "&progress=true&recursive=true",
		"POST pin/add?arg=" + c + "&progress=true&recursive=false",
		"POST pin/add?arg=" + c + "&max-depth=3&progress=true&recursive=true",
	}, d.commands("pin/add"))

	require.NoError(t, k.Pin(t.Context(), fakes.Pin(9, "is pinned")))
	require.Len(t, d.commands("pin/add"), 3)

	update := fakes.Pin(4, "x")
	update.PinUpdate = fakes.CID(9)
	require.NoError(t, k.Pin(t.Context(), update))
	require.Equal(t, []string{"POST pin/update?arg=" + fakes.CID(9).String() + "&arg=" + fakes.CID(4).String() + "&unpin=false"}, d.commands("pin/update"))
	require.Len(t, d.commands("pin/add"), 3)
	update.PinUpdate = fakes.CID(8) // which is not there
	require.NoError(t, k.Pin(t.Context(), update))
	require.Len(t, d.commands("pin/update"), 1)
	require.Len(t, d.commands("pin/add"), 4)
}

// TestKuboOrigins: the daemon is told of ten, and nobody waits for them.
func TestKuboOrigins(t *testing.T) {
	d := &daemon{}
	d.add = func(w http.ResponseWriter, r *http.Request) {
		for len(d.commands("swarm/connect")) < 10 && backoff.Sleep(r.Context(), time.Millisecond) {
		}
		lines(w, `{"Pins":["x"]}`)
	}
	k := newTestKubo(t, d, nil)
	pin := fakes.Pin(1, "x")
	for i := range 12 {
		a, err := api.NewMultiaddr(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", i+1, fakes.Other))
		require.NoError(t, err)
		pin.Origins = append(pin.Origins, a)
	}
	require.NoError(t, k.Pin(t.Context(), pin))
	require.Len(t, d.commands("swarm/connect"), 10)
}

// TestKuboOnASocket: the daemon's address may be a Unix socket.
func TestKuboOnASocket(t *testing.T) {
	folder, err := os.MkdirTemp("", "k") // a short path
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "api")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	server := &http.Server{Handler: &daemon{add: said(500, `{"Message":"over the socket","Type":"error"}`)}}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	k := connectKubo(t, "/unix"+path, nil)
	require.EqualError(t, k.Pin(t.Context(), fakes.Pin(1, "x")), "IPFS error (pin/add): over the socket")
}

// TestKuboCounts: the library's metrics and its informer trigger go on.
func TestKuboCounts(t *testing.T) {
	views := []*view.View{observations.PinsIpfsPinsView, observations.PinsPinAddView, observations.PinsPinAddErrorView}
	require.NoError(t, view.Register(views...))
	t.Cleanup(func() { view.Unregister(views...) })
	d := &daemon{add: said(200, `{"Pins":["x"]}`)}
	k := newTestKubo(t, d, func(cfg *ipfshttp.Config) { cfg.InformerTriggerInterval = 3 })
	sent := new(informers)
	server := rpc.NewServer(nil, "x")
	require.NoError(t, server.RegisterName("Cluster", sent))
	k.rpc.Store(rpc.NewClientWithServer(nil, "x", server))

	for i := range 3 {
		require.NoError(t, k.Pin(t.Context(), fakes.Pin(i, "x")))
	}
	require.Equal(t, 3.0, sum(t, views[0]))
	require.Equal(t, 3.0, sum(t, views[1]))
	require.Eventually(t, func() bool { return sent.calls() == 2 }, time.Minute, time.Millisecond, "two operations a pin")
	d.add = said(500, `{"Message":"no","Type":"error"}`)
	require.Error(t, k.Pin(t.Context(), fakes.Pin(3, "x")))
	require.Equal(t, 4.0, sum(t, views[1]))
	require.Equal(t, 1.0, sum(t, views[2]))
	require.NoError(t, k.Unpin(t.Context(), fakes.CID(1)))
	require.Equal(t, 2.0, sum(t, views[0]), "the library counts on")
}

// informers counts the calls of a Cluster's SendInformersMetrics.
type informers struct {
	mu    sync.Mutex
	count int
}

func (i *informers) SendInformersMetrics(context.Context, struct{}, *struct{}) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count++
	return nil
}

func (i *informers) calls() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count
}

// TestKuboReasonIsObserved: the wrapper passes the reason on.
func TestKuboReasonIsObserved(t *testing.T) {
	d := &daemon{add: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Stream-Error")
		lines(w, "{\"Progress\":1}\n")
		w.Header().Set("X-Stream-Error", "ipld: no decoder")
	}}
	k := newTestKubo(t, d, nil)
	c := New(k)
	t.Cleanup(c.health.stop)
	var observed error
	c.ObservePins(func(_ api.Pin, err error) { observed = errors.Join(observed, err) })
	err := c.Pin(t.Context(), fakes.Pin(1, "x"))
	require.EqualError(t, err, "IPFS error (pin/add): ipld: no decoder")
	require.EqualError(t, observed, err.Error())
}
