package common

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// idle opens a connection from an address of loopback. It asks for nothing, or
// has asked.
func idle(t *testing.T, s *Server, from string, asks bool) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", strings.TrimPrefix(s.URLs()[0], "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	if asks {
		require.Equal(t, 200, askOn(t, conn))
	}
	return conn
}

// askOn sends a request on a connection and returns the status, 0 when the
// connection was closed.
func askOn(t *testing.T, conn net.Conn) int {
	t.Helper()
	if _, err := io.WriteString(conn, "GET /items HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return 0
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode
}

// Whoever holds most of the connections makes room, its oldest first; one
// address may have all while nobody else comes.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	s := startServer(t, func(c *Config, _ *API) { c.MaxConnections = 10 })
	other := idle(t, s, "127.0.0.3", true)
	var many []net.Conn
	for range 9 {
		many = append(many, idle(t, s, "127.0.0.2", true))
	}
	require.Equal(t, 200, askOn(t, many[0]), "it is full, and nobody wants more")
	for range 5 {
		idle(t, s, "127.0.0.4", true)
	}
	// Which five have been idle for the longest time is up to the server, which
	// sees the end of a request after its client: but not the last one that asked.
	require.Equal(t, 200, askOn(t, many[0]))
	closed := 0
	for _, conn := range many[1:] {
		if askOn(t, conn) == 0 {
			closed++
		}
	}
	require.Equal(t, 5, closed)
	require.Equal(t, 200, askOn(t, other))
}

// Connections that send nothing, or half of a header, do not keep others from
// being served.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	s := startServer(t, func(c *Config, _ *API) { c.MaxConnections = 10 })
	for i := range 100 {
		conn := idle(t, s, "127.0.0.1", false)
		if i%2 == 0 {
			_, err := io.WriteString(conn, "GET /items HTTP/1.1\r\nHost: lo")
			require.NoError(t, err)
		}
		if i%10 == 0 {
			idle(t, s, "127.0.0.1", true)
		}
	}
}

// A connection with a request is not closed; the next waits for it.
func TestBusyConnectionsStay(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s := startServer(t, func(c *Config, api *API) {
		c.MaxConnections = 2
		api.Routes = append(api.Routes, waiting(begun, finish))
	})
	answers := make(chan int, 3)
	ask := func(path string) {
		conn := idle(t, s, "127.0.0.1", false)
		go func() {
			_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				answers <- 0
				return
			}
			defer res.Body.Close()
			answers <- res.StatusCode
		}()
	}
	ask("/wait")
	ask("/wait")
	<-begun
	<-begun
	ask("/items")
	select {
	case status := <-answers:
		t.Fatal("answered", status)
	case <-time.After(50 * time.Millisecond): // it would have been
	}
	close(finish)
	for range 3 {
		require.Equal(t, 200, <-answers)
	}
}

// A full listener can be closed.
func TestShutdownOfAFullListener(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s := startServer(t, func(c *Config, api *API) {
		c.MaxConnections = 1
		api.Routes = append(api.Routes, waiting(begun, finish))
	})
	conn := idle(t, s, "127.0.0.1", false)
	_, err := io.WriteString(conn, "GET /wait HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	<-begun
	idle(t, s, "127.0.0.1", false)
	close(finish)
	shutdown(t, s)
}

// A request that waits for its credentials to be verified does not keep its
// connection from others.
func TestWaitingForCredentialsMakesRoom(t *testing.T) {
	s := startServer(t, func(c *Config, _ *API) {
		c.MaxConnections = 3
		c.MaxAuthFailures = 1
		c.BasicAuthCredentials = testUsers
	})
	s.handler.throttle.Interval = time.Hour
	send := func(from, authorization string) net.Conn {
		conn := idle(t, s, from, false)
		_, err := io.WriteString(conn, "GET /items HTTP/1.1\r\nHost: localhost\r\nAuthorization: "+authorization+"\r\n\r\n")
		require.NoError(t, err)
		return conn
	}
	for range 30 {
		send("127.0.0.2", "Bearer made.up.token")
	}
	conn := send("127.0.0.1", basic("alice", "secret"))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
}
