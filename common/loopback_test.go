package common

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/listen"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// sendTo sends a request with a Host of its own to a server's first address.
func sendTo(t *testing.T, s *Server, method, host string, header ...string) (int, string) {
	t.Helper()
	client, url := http.DefaultClient, s.URLs()[0]
	if path, unix := strings.CutPrefix(url, "unix://"); unix {
		client, url = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}}, "http://unix"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url+"/items", nil)
	require.NoError(t, err)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func TestHostsOnLoopback(t *testing.T) {
	open := func(*Config, *API) {}
	users := func(c *Config, _ *API) { c.BasicAuthCredentials = auth.Users{"alice": "secret"} }
	named := func(c *Config, _ *API) { c.AllowedHosts = []string{"Pins.Example.com"} }
	anyHost := func(c *Config, _ *API) { c.AllowedHosts = []string{"*"} }
	everywhere := func(c *Config, _ *API) { c.HTTPListenMultiaddress = addrs("/ip4/0.0.0.0/tcp/0") }
	socket := func(c *Config, _ *API) {
		c.HTTPListenMultiaddress = addrs("/unix" + filepath.Join(t.TempDir(), "s"))
	}
	localhost := func(c *Config, _ *API) { c.HTTPListenMultiaddress = addrs("/dns4/localhost/tcp/0") }
	for name, test := range map[string]struct {
		change func(*Config, *API)
		host   string
		status int
	}{
		"an address":               {open, "127.0.0.1:9097", 200},
		"another address":          {open, "192.0.2.1", 200},
		"IPv6":                     {open, "[::1]:9097", 200},
		"IPv6 without a port":      {open, "[::1]", 200},
		"localhost":                {open, "localhost:9097", 200},
		"localhost in full":        {open, "LocalHost.", 200},
		"a name":                   {open, "rebound.example:9097", 403},
		"below localhost":          {open, "a.localhost", 403},
		"like localhost":           {open, "localhost.example", 403},
		"an address in a name":     {open, "127.0.0.1.example", 403},
		"configured":               {named, "pins.example.com:443", 200},
		"not configured":           {named, "other.example.com", 403},
		"any":                      {anyHost, "rebound.example", 200},
		"with credentials":         {users, "rebound.example", 401},
		"of another listener":      {everywhere, "container:9097", 200},
		"of a unix socket":         {socket, "rebound.example", 200},
		"listened on":              {localhost, "localhost", 200},
		"with its address's names": {localhost, "rebound.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, test.change)
			status, body := sendTo(t, s, "GET", test.host)
			require.Equal(t, test.status, status, body)
			if status == 403 {
				require.Contains(t, body, "allowed_hosts")
			}
		})
	}
}

func TestOriginsOnLoopback(t *testing.T) {
	listed := func(c *Config, _ *API) { c.CORSAllowedOrigins = []string{"*", page} }
	pattern := func(c *Config, _ *API) { c.CORSAllowedOrigins = []string{"https://*.example"} }
	none := func(c *Config, _ *API) { c.CORSAllowedOrigins = nil }
	users := func(c *Config, _ *API) { c.BasicAuthCredentials = auth.Users{"alice": "secret"} }
	everywhere := func(c *Config, _ *API) { c.HTTPListenMultiaddress = addrs("/ip4/0.0.0.0/tcp/0") }
	for name, test := range map[string]struct {
		change func(*Config, *API)
		method string
		header []string
		status int
	}{
		"a page":                     {func(*Config, *API) {}, "POST", []string{"Origin", page}, 403},
		"a page, newer":              {func(*Config, *API) {}, "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", page}, 403},
		"a page of another port":     {func(*Config, *API) {}, "POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:3000"}, 403},
		"a program":                  {func(*Config, *API) {}, "POST", nil, 202},
		"a read":                     {func(*Config, *API) {}, "GET", []string{"Origin", page}, 200},
		"no list":                    {none, "POST", []string{"Origin", page}, 403},
		"named beside all":           {listed, "POST", []string{"Origin", page}, 202},
		"not named":                  {listed, "POST", []string{"Origin", "https://evil.example"}, 403},
		"a pattern":                  {pattern, "POST", []string{"Origin", "https://a.example"}, 202},
		"with credentials":           {users, "POST", []string{"Origin", page, "Authorization", basic("alice", "secret")}, 202},
		"of another listener, as is": {everywhere, "POST", []string{"Origin", page}, 202},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, test.change)
			status, body := sendTo(t, s, test.method, "127.0.0.1", test.header...)
			require.Equal(t, test.status, status, body)
			if status == 403 {
				require.Contains(t, body, "cors_allowed_origins")
			}
		})
	}
}

func TestHostNamesInTheConfiguration(t *testing.T) {
	for name, good := range map[string]bool{"a": true, "a.example": true, "*": true, "": false, "http://a": false, "a:80": false, "a/b": false, "*.a": false} {
		cfg := DefaultConfig()
		cfg.AllowedHosts = []string{name}
		require.Equal(t, good, len(cfg.Validate()) == 0, name)
	}
}

// The handlers of others get the same rules, for every method.
func TestGuardOpen(t *testing.T) {
	cfg := Config{AllowedHosts: []string{"pins.example"}, CORSAllowedOrigins: []string{"*", page}}
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		l, err := net.Listen("tcp4", address)
		require.NoError(t, err)
		server := &http.Server{
			Handler:     GuardOpen(cfg, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})),
			ConnContext: ConnContext, ConnState: listen.ConnState,
		}
		go func() { _ = server.Serve(listen.Limit(l, 10)) }()
		t.Cleanup(func() { server.Close() })
		_, port, err := net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		for _, test := range []struct {
			host   string
			header []string
			status int
		}{
			{"127.0.0.1", nil, 200},
			{"pins.example", nil, 200},
			{"rebound.example", nil, 403},
			{"127.0.0.1", []string{"Sec-Fetch-Site", "cross-site"}, 403},
			{"127.0.0.1", []string{"Origin", "https://evil.example"}, 403},
			{"127.0.0.1", []string{"Sec-Fetch-Site", "cross-site", "Origin", page}, 200},
			{"127.0.0.1", []string{"Sec-Fetch-Site", "none"}, 200},
		} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1:"+port+"/api/v0/pin/rm", nil)
			require.NoError(t, err)
			r.Host = test.host
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Add(test.header[i], test.header[i+1])
			}
			res, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			res.Body.Close()
			if address != "127.0.0.1:0" {
				test.status = 200
			}
			require.Equal(t, test.status, res.StatusCode, "%s %v", address, test)
		}
	}
}
