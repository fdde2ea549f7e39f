package common

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"

	"github.com/ipfs-cluster/pinsvc/config"
)

func addrs(texts ...string) config.Multiaddrs {
	var list config.Multiaddrs
	for _, text := range texts {
		list = append(list, ma.StringCast(text))
	}
	return list
}

// newServer makes a server that is not started, in its own folder.
func newServer(t testing.TB, change func(*Config), opts ...ServerOption) (*Server, string) {
	t.Helper()
	cfg, dir := DefaultConfig(), t.TempDir()
	if change != nil {
		change(&cfg)
	}
	h, err := NewHandler(cfg, auth.NewCredentials(cfg.BasicAuthCredentials), fakeAPI())
	require.NoError(t, err)
	if len(cfg.HTTPListenMultiaddress) == 0 && len(opts) == 0 {
		cfg.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0")
	}
	s, err := NewServer(cfg, dir, h, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { shutdown(t, s) })
	return s, dir
}

func shutdown(t testing.TB, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
}

func get(t testing.TB, client *http.Client, url string) string {
	t.Helper()
	res, err := client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	return string(body)
}

func TestSeveralAddresses(t *testing.T) {
	s, dir := newServer(t, nil)
	socket := filepath.Join(dir, "api.sock")
	s.cfg.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0", "/dns4/localhost/tcp/0", "/unix"+socket, "/ip4/0.0.0.0/tcp/0")
	require.NoError(t, s.Listen())

	bound, urls := s.Addresses(), s.URLs()
	require.Len(t, bound, 4)
	require.Len(t, urls, 4)
	require.Regexp(t, `^/ip4/127\.0\.0\.1/tcp/[1-9]\d+$`, bound[0].String())
	require.Regexp(t, `^http://127\.0\.0\.1:[1-9]\d+$`, urls[0])
	require.Regexp(t, `^http://localhost:[1-9]\d+$`, urls[1], "the name is kept, for certificates")
	require.Equal(t, "/unix"+socket, bound[2].String())
	require.Equal(t, "unix://"+socket, urls[2])
	require.Regexp(t, `^/ip4/0\.0\.0\.0/tcp/[1-9]\d+$`, bound[3].String())
	require.Regexp(t, `^http://127\.0\.0\.1:[1-9]\d+$`, urls[3], "a client cannot use the unspecified address")

	unix := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer unix.CloseIdleConnections()
	require.Equal(t, `"open"`+"\n", get(t, unix, "http://local/open"))
	for _, i := range []int{0, 1, 3} {
		require.Equal(t, `"open"`+"\n", get(t, http.DefaultClient, urls[i]+"/open"))
	}
	info, err := os.Stat(socket)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	shutdown(t, s)
	require.NoFileExists(t, socket)
	require.Empty(t, s.Addresses())
	_, err = http.Get(urls[0] + "/open")
	require.Error(t, err)
}

func TestStaleSocketIsReplaced(t *testing.T) {
	s, dir := newServer(t, nil)
	socket := filepath.Join(dir, "api.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	require.NoError(t, err)
	left.SetUnlinkOnClose(false) // as after a SIGKILL
	require.NoError(t, left.Close())
	require.FileExists(t, socket)

	s.cfg.HTTPListenMultiaddress = addrs("/unix" + socket)
	require.NoError(t, s.Listen())
}

func TestListenMistakes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	busyAddr := "/ip4/127.0.0.1/tcp/" + portOf(busy.Addr())
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	id, key := identity(t)
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"a busy port": {func(c *Config) { c.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0", busyAddr) },
			"api.fakeapi.http_listen_multiaddress: cannot listen on " + busyAddr + ": the address is in use: stop the other program, or configure another address"},
		"a foreign address": {func(c *Config) { c.HTTPListenMultiaddress = addrs("/ip4/192.0.2.1/tcp/0") },
			"api.fakeapi.http_listen_multiaddress: cannot listen on /ip4/192.0.2.1/tcp/0: this machine does not have that address: configure one that it has"},
		"not a socket": {func(c *Config) { c.HTTPListenMultiaddress = addrs("/unix" + file) },
			"api.fakeapi.http_listen_multiaddress: cannot listen on /unix" + file + ": there is something that is not a socket: choose another path"},
		"no folder": {func(c *Config) { c.HTTPListenMultiaddress = addrs("/unix" + dir + "/none/a.sock") },
			"api.fakeapi.http_listen_multiaddress: cannot listen on /unix" + dir + "/none/a.sock: the folder of the socket does not exist: make it"},
		"no certificate": {func(c *Config) { c.SSLCertFile, c.SSLKeyFile = "cert.pem", "key.pem" },
			"api.fakeapi.ssl_cert_file: "},
		"not a certificate": {func(c *Config) { c.SSLCertFile, c.SSLKeyFile = file, file },
			"api.fakeapi.ssl_cert_file: " + file},
		"no log": {func(c *Config) { c.HTTPLogFile = "none/http.log" },
			"none/http.log: no such file or directory: check the path"},
		"a busy libp2p port": {func(c *Config) {
			c.ID, c.PrivateKey, c.Libp2pListenMultiaddress = id, key, addrs("/ip4/127.0.0.1/tcp/0", busyAddr)
		}, "api.fakeapi.libp2p_listen_multiaddress: cannot listen on " + busyAddr},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, _ := newServer(t, func(c *Config) {
				c.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0")
				test.change(c)
			})
			err := s.Listen()
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
			require.Empty(t, s.Addresses(), "nothing is left open")
			require.Error(t, s.Listen(), "a server has one life")
			shutdown(t, s)
		})
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "precious", string(content))
}

func portOf(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return port
}

func TestLiveSocketIsNotTaken(t *testing.T) {
	first, dir := newServer(t, nil)
	socket := filepath.Join(dir, "api.sock")
	first.cfg.HTTPListenMultiaddress = addrs("/unix" + socket)
	require.NoError(t, first.Listen())
	second, _ := newServer(t, nil)
	second.cfg.HTTPListenMultiaddress = first.cfg.HTTPListenMultiaddress
	require.ErrorContains(t, second.Listen(), "the address is in use")
	require.FileExists(t, socket)
}

func TestNewServerMistakes(t *testing.T) {
	h := newTestHandler(t, nil)
	_, err := NewServer(DefaultConfig(), "", h)
	require.ErrorContains(t, err, "api.fakeapi: there is no address to listen on")
	bad := DefaultConfig()
	bad.ReadTimeout, bad.MaxHeaderBytes = -1, 1
	_, err = NewServer(bad, "", h)
	require.ErrorContains(t, err, "api.fakeapi.read_timeout: must not be negative")
	require.ErrorContains(t, err, "api.fakeapi.max_header_bytes: must be at least 4096")
	_, err = NewServer(DefaultConfig(), "", http.NotFoundHandler())
	require.ErrorContains(t, err, "NewHandler")
}

func TestShutdownAtAnyTime(t *testing.T) {
	s, _ := newServer(t, func(c *Config) { c.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0") })
	require.Empty(t, s.Addresses())
	require.Empty(t, s.URLs())
	shutdown(t, s)
	shutdown(t, s)
	require.Error(t, s.Listen(), "it was shut down before")
}

func TestShutdownDrains(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s := startServer(t, func(_ *Config, api *API) {
		api.Routes = append(api.Routes, Route{Method: "GET", Path: "/wait", Status: 200,
			Handle: func(*http.Request) (any, error) {
				close(begun)
				<-finish
				return "finished", nil
			}})
	})
	url := s.URLs()[0]
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get(url + "/wait")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-begun
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", url[len("http://"):])
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 5*time.Second, 5*time.Millisecond, "no longer accepting")
	close(finish)
	require.Equal(t, `"finished"`+"\n", <-answer)
	require.NoError(t, <-down)
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	begun := make(chan struct{})
	s := startServer(t, func(_ *Config, api *API) {
		api.Routes = append(api.Routes, Route{Method: "GET", Path: "/wait", Status: 200,
			Handle: func(r *http.Request) (any, error) {
				close(begun)
				<-r.Context().Done() // ends when the connection is closed
				return nil, r.Context().Err()
			}})
	})
	failed := make(chan error, 1)
	url := s.URLs()[0]
	go func() {
		res, err := http.Get(url + "/wait")
		if err == nil {
			res.Body.Close()
		}
		failed <- err
	}()
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Shutdown(ctx), context.DeadlineExceeded)
	require.Error(t, <-failed)
	require.NoError(t, s.Shutdown(context.Background()))
}

func TestAccessLogFile(t *testing.T) {
	s, dir := newServer(t, func(c *Config) {
		c.HTTPListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0")
		c.HTTPLogFile = "http.log"
	})
	path := filepath.Join(dir, "http.log")
	require.NoError(t, os.WriteFile(path, []byte("an older line\n"), 0o600))
	require.NoError(t, s.Listen())
	require.Equal(t, `"open"`+"\n", get(t, http.DefaultClient, s.URLs()[0]+"/open?x=y"))
	shutdown(t, s)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Regexp(t, `^an older line\n127\.0\.0\.1 - - \[.*\] "GET /open\?x=y HTTP/1\.1" 200 7 \S+\n$`, string(text))
}

func TestGeneralOptionsNeedCredentials(t *testing.T) {
	s := startServer(t, func(c *Config, _ *API) { c.BasicAuthCredentials = testUsers })
	conn := dial(t, s)
	_, err := io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(answer), "HTTP/1.1 401 Unauthorized")
	require.Contains(t, string(answer), ReasonUnauthorized)
}
