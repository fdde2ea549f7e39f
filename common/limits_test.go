package common

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"

	"github.com/ipfs-cluster/pinsvc/config"
)

// startServer serves the fake API on a free port of the loopback interface.
func startServer(t testing.TB, change func(*Config, *API)) *Server {
	t.Helper()
	cfg, api := DefaultConfig(), fakeAPI()
	cfg.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0")
	if change != nil {
		change(&cfg, &api)
	}
	h, err := NewHandler(cfg, auth.NewCredentials(cfg.BasicAuthCredentials), api)
	require.NoError(t, err)
	s, err := NewServer(cfg, t.TempDir(), h)
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
	})
	return s
}

// dial connects to a server, with a limit for the test itself.
func dial(t testing.TB, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URLs()[0], "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return conn
}

func TestLimitsAreSet(t *testing.T) {
	cfg := DefaultConfig()
	cfg.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0")
	h := newTestHandler(t, nil)
	s, err := NewServer(cfg, "", h)
	require.NoError(t, err)
	require.Equal(t, 30*time.Second, s.http.ReadTimeout)
	require.Equal(t, 5*time.Second, s.http.ReadHeaderTimeout)
	require.Equal(t, 60*time.Second, s.http.WriteTimeout)
	require.Equal(t, 120*time.Second, s.http.IdleTimeout)
	require.Equal(t, 16<<10, s.http.MaxHeaderBytes)

	cfg.ReadTimeout, cfg.ReadHeaderTimeout, cfg.WriteTimeout, cfg.IdleTimeout, cfg.MaxHeaderBytes = 0, 0, 0, 0, 0
	s, err = NewServer(cfg, "", h)
	require.NoError(t, err)
	require.Zero(t, s.http.ReadTimeout+s.http.ReadHeaderTimeout+s.http.WriteTimeout+s.http.IdleTimeout)
	require.Equal(t, 4096, s.http.MaxHeaderBytes)
}

func TestSlowClientsAreCutOff(t *testing.T) {
	short := config.Duration(50 * time.Millisecond)
	tests := map[string]struct {
		change func(*Config)
		send   string
	}{
		"headers": {func(c *Config) { c.ReadHeaderTimeout = short }, "GET /items HTTP/1.1\r\nHost: localhost\r\n"},
		"idle":    {func(c *Config) { c.IdleTimeout = short }, "GET /items HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"body":    {func(c *Config) { c.ReadTimeout = short }, "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"},
		"stream":  {func(c *Config) { c.ReadTimeout = short }, "POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, func(c *Config, _ *API) { test.change(c) })
			conn := dial(t, s)
			_, err := io.WriteString(conn, test.send)
			require.NoError(t, err)
			_, err = io.ReadAll(conn) // until the server closes it
			var own net.Error
			require.False(t, errors.As(err, &own) && own.Timeout(), "the server keeps a slow client")
		})
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	s := startServer(t, func(c *Config, _ *API) { c.MaxHeaderBytes = 4096 })
	for size, want := range map[int]int{3000: 200, 20000: 431} {
		r, err := http.NewRequest("GET", s.URLs()[0]+"/items", nil)
		require.NoError(t, err)
		r.Header.Set("X-Large", strings.Repeat("x", size))
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, want, res.StatusCode)
	}
}

func TestSlowHandlerIsA503(t *testing.T) {
	t.Parallel()
	s := startServer(t, func(c *Config, _ *API) { c.WriteTimeout = config.Duration(2 * time.Second) })
	res, err := http.Get(s.URLs()[0] + "/slow")
	require.NoError(t, err, "the answer comes before the connection is cut")
	defer res.Body.Close()
	require.Equal(t, 503, res.StatusCode)
	require.Equal(t, "5", res.Header.Get("Retry-After"))
	require.Equal(t, "application/json", res.Header.Get("Content-Type"))
}

// A read deadline that passes while the handler works, long after the request
// was read, would cancel the request.
func TestReadTimeoutIsForReadingOnly(t *testing.T) {
	t.Parallel()
	work := make(chan error, 1)
	s := startServer(t, func(c *Config, api *API) {
		c.ReadTimeout = config.Duration(400 * time.Millisecond)
		c.WriteTimeout = config.Duration(1200 * time.Millisecond)
		api.Routes = append(api.Routes, Route{Method: "POST", Path: "/work", Status: 200,
			Handle: func(r *http.Request) (any, error) {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
				work <- r.Context().Err()
				return nil, r.Context().Err()
			}})
	})
	for _, body := range []io.Reader{nil, strings.NewReader("abc")} {
		res, err := http.Post(s.URLs()[0]+"/work", "text/plain", body)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, 503, res.StatusCode)
		require.ErrorIs(t, <-work, context.DeadlineExceeded, "not cancelled")
	}
}

// deadlines is a connection that notes how its deadlines are set, between what
// else happens.
type deadlines struct {
	http.ResponseWriter
	events []string
}

func (d *deadlines) note(what string, deadline time.Time) error {
	left := time.Until(deadline)
	switch {
	case deadline.IsZero():
		what += " none"
	case left > 59*time.Minute && left <= time.Hour:
		what += " 1h"
	case left > 119*time.Minute && left <= 2*time.Hour:
		what += " 2h"
	default:
		what += " " + left.String()
	}
	d.events = append(d.events, what)
	return nil
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { return d.note("read", t) }
func (d *deadlines) SetWriteDeadline(t time.Time) error { return d.note("write", t) }
func (d *deadlines) Flush()                             { d.events = append(d.events, "flush") }

func (d *deadlines) Write(p []byte) (int, error) {
	d.events = append(d.events, "send "+string(p))
	return len(p), nil
}

// Each read and each write of a stream has its own limit, so that all of it may
// take longer.
func TestDeadlinesOfAStream(t *testing.T) {
	conn := &deadlines{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("a"), strings.NewReader("b")))
	w, done := limits{read: time.Hour, write: 2 * time.Hour}.parts(conn, r)
	_, err := io.Copy(w, r.Body)
	require.NoError(t, err)
	require.NoError(t, http.NewResponseController(w).Flush())
	done()
	require.Equal(t, []string{
		"write none",
		"read 1h", "write 2h", "send a", "write none",
		"read 1h", "write 2h", "send b", "write none",
		"read 1h", "read none",
		"write 2h", "flush", "write none",
		"write 2h", // for what the server itself still has to send
	}, conn.events)
}

func TestDeadlinesOfARequest(t *testing.T) {
	conn := &deadlines{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest("POST", "/", strings.NewReader("a"))
	r, cancel := limits{read: time.Hour, write: 2 * time.Hour}.whole(conn, r)
	defer cancel()
	require.Empty(t, conn.events, "the server's deadline stays while the body is read")
	_, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, []string{"read none"}, conn.events)
	deadline, ok := r.Context().Deadline()
	require.True(t, ok)
	require.WithinDuration(t, time.Now().Add(2*time.Hour-2*time.Second), deadline, time.Minute)

	conn.events = nil
	r = httptest.NewRequest("GET", "/", nil)
	r, cancel = limits{}.whole(conn, r)
	defer cancel()
	require.Empty(t, conn.events)
	_, ok = r.Context().Deadline()
	require.False(t, ok, "0 means for ever")
}

// An answer may begin long after the time that one write may take.
func TestStreamThatBeginsLate(t *testing.T) {
	const limit = 100 * time.Millisecond
	s := startServer(t, func(c *Config, api *API) {
		c.ReadTimeout, c.WriteTimeout = config.Duration(limit), config.Duration(limit)
		api.Routes = append(api.Routes, Route{Method: "GET", Path: "/late",
			Stream: func(w http.ResponseWriter, r *http.Request) error {
				late := time.NewTimer(3 * limit)
				defer late.Stop()
				select {
				case <-late.C:
					_, _ = io.WriteString(w, "late")
				case <-r.Context().Done():
				}
				return nil
			}})
	})
	require.Equal(t, "late", get(t, http.DefaultClient, s.URLs()[0]+"/late"))
}

// A client that does not read its answer is cut off at a write.
func TestStreamToAClientThatDoesNotRead(t *testing.T) {
	ended := make(chan error, 1)
	s := startServer(t, func(c *Config, api *API) {
		c.WriteTimeout = config.Duration(50 * time.Millisecond)
		api.Routes = append(api.Routes, Route{Method: "GET", Path: "/endless",
			Stream: func(w http.ResponseWriter, r *http.Request) error {
				_, err := io.Copy(w, endless{})
				ended <- err
				return nil
			}})
	})
	conn := dial(t, s)
	_, err := io.WriteString(conn, "GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("the server waits for ever")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
