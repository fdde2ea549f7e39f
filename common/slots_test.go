package common

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"

	"github.com/ipfs-cluster/pinsvc/config"
)

// waiting is a route that waits until it may go on.
func waiting(begun chan<- struct{}, finish <-chan struct{}) Route {
	return Route{Method: "GET", Path: "/wait", Status: 200, Handle: func(*http.Request) (any, error) {
		begun <- struct{}{}
		<-finish
		return "done", nil
	}}
}

func status(t testing.TB, client *http.Client, url string) int {
	t.Helper()
	res, err := client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	return res.StatusCode
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	api := fakeAPI()
	api.Routes = append(api.Routes, waiting(begun, finish))
	cfg := DefaultConfig()
	cfg.MaxConcurrentRequests = 2
	h, err := NewHandler(cfg, auth.NewCredentials(nil), api)
	require.NoError(t, err)
	var busy sync.WaitGroup
	for range 2 {
		busy.Go(func() { request{method: "GET", path: "/wait"}.send(h) })
		<-begun
	}
	w := request{method: "GET", path: "/items", header: []string{"Origin", page}}.send(h)
	require.Equal(t, 503, w.Code)
	require.Equal(t, ReasonUnavailable, why(t, w))
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	require.Equal(t, 204, request{method: "GET", path: "/health"}.send(h).Code, "open routes are not counted")
	close(finish)
	busy.Wait()
	require.Equal(t, 200, request{method: "GET", path: "/items"}.send(h).Code)
}

func TestSlotsComeBack(t *testing.T) {
	h := newTestHandler(t, func(cfg *Config) { cfg.MaxConcurrentRequests = 1 })
	for _, path := range []string{"/items", "/known", "/panic", "/nothing", "/streamfails"} {
		for range 3 {
			require.NotEqual(t, 503, request{method: "GET", path: path}.send(h).Code, path)
		}
	}
	for range 3 {
		require.Equal(t, 202, request{method: "POST", path: "/items", body: "x"}.send(h).Code)
		require.Equal(t, "abc", request{method: "POST", path: "/stream", body: "abc"}.send(h).Body.String())
	}
	require.Empty(t, h.slots)
}

// Each address has its own slots, with TLS, too.
func TestSlotsOfEachListener(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	dir := t.TempDir()
	writeCertificate(t, dir, 1)
	api := fakeAPI()
	api.Routes = append(api.Routes, waiting(begun, finish))
	cfg := DefaultConfig()
	cfg.MaxConcurrentRequests = 1
	cfg.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0")
	cfg.SSLCertFile, cfg.SSLKeyFile = "cert.pem", "key.pem"
	h, err := NewHandler(cfg, auth.NewCredentials(nil), api)
	require.NoError(t, err)
	s, err := NewServer(cfg, dir, h)
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	t.Cleanup(func() { shutdown(t, s) })
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	answer := make(chan int)
	go func() {
		res, err := client.Get(s.URLs()[0] + "/wait")
		if err != nil {
			answer <- 0
			return
		}
		defer res.Body.Close()
		answer <- res.StatusCode
	}()
	<-begun
	require.Equal(t, 503, status(t, client, s.URLs()[0]+"/items"))
	require.Equal(t, 200, status(t, client, s.URLs()[1]+"/items"))
	close(finish)
	require.Equal(t, 200, <-answer)
	require.Equal(t, 200, status(t, client, s.URLs()[0]+"/items"))
}

// Reading and ending at the same time neither loses slots nor makes more.
func TestSlotsWhenABodyIsReadTooLate(t *testing.T) {
	s := newSlots(1)
	for range 1000 {
		s <- struct{}{}
		p := &pass{slots: s, held: true}
		body := &yieldingBody{ReadCloser: io.NopCloser(strings.NewReader("abc")), ctx: t.Context(), pass: p}
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.ReadAll(body) })
		p.end()
		reading.Wait()
		require.Empty(t, s)
	}
}

func TestWaitForASlotEndsWithTheRequest(t *testing.T) {
	s := newSlots(1)
	s <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := &pass{slots: s}
	body := &yieldingBody{ReadCloser: io.NopCloser(strings.NewReader("abc")), ctx: ctx, pass: p}
	_, err := io.ReadAll(body)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, s, 1, "somebody else's")
}

// 500 connections that send a byte now and then, in their headers or in their
// bodies, do not keep others from being served.
func TestSlowConnections(t *testing.T) {
	s := startServer(t, func(c *Config, _ *API) {
		c.MaxConcurrentRequests = 50
		c.ReadHeaderTimeout = config.Duration(time.Minute)
	})
	addr := strings.TrimPrefix(s.URLs()[0], "http://")
	beginnings := []string{
		"GET /items HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
		"POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
	}
	var conns []net.Conn
	for i := range 500 {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		_, err = io.WriteString(conn, beginnings[i%len(beginnings)])
		require.NoError(t, err)
		conns = append(conns, conn)
	}
	for round := range 20 {
		for _, conn := range conns { // those of /stream are echoed, and not read
			_, err := conn.Write([]byte("x"))
			require.NoError(t, err)
		}
		begin := time.Now()
		for range 10 {
			require.Equal(t, 200, status(t, http.DefaultClient, s.URLs()[0]+"/items"), "round %d", round)
		}
		require.Less(t, time.Since(begin), time.Minute)
	}
}

// A Slow route may answer after the write timeout.
func TestSlowRoute(t *testing.T) {
	const limit = 50 * time.Millisecond
	s := startServer(t, func(c *Config, api *API) {
		c.WriteTimeout = config.Duration(limit)
		c.ReadTimeout = config.Duration(limit)
		for _, slow := range []bool{false, true} {
			api.Routes = append(api.Routes, Route{Method: "GET", Path: fmt.Sprintf("/slow/%t", slow), Status: 200, Slow: slow,
				Handle: func(r *http.Request) (any, error) {
					late := time.NewTimer(4 * limit)
					defer late.Stop()
					select {
					case <-late.C:
						return "late", nil
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
				}})
		}
	})
	conn := dial(t, s)
	_, err := io.WriteString(conn, "GET /slow/true HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest("GET", "/slow/false", nil))
	require.Equal(t, 503, w.Code)
}
