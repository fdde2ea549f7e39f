package common

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"testing"
	"time"

	libpinsvcapi "github.com/ipfs-cluster/ipfs-cluster/api/pinsvcapi"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"

	"github.com/ipfs-cluster/pinsvc/config"
)

// testConfig is what a component makes of Config.
type testConfig struct{ Config }

func newTestSection() *config.Section[testConfig] {
	return config.New(config.Spec[testConfig]{
		Group: "api",
		Key:   "pinsvcapi",
		Env:   "cluster_pinsvcapi",
		Defaults: func() testConfig {
			cfg := DefaultConfig()
			cfg.HTTPListenMultiaddress = config.Multiaddrs{ma.StringCast("/ip4/127.0.0.1/tcp/9097")}
			return testConfig{cfg}
		},
		Validate: func(c *testConfig) []error { return c.Validate() },
	})
}

// identity returns a peer ID and its private key as the file has them.
func identity(t testing.TB) (id string, key config.Secret) {
	priv, _, err := crypto.GenerateEd25519Key(nil)
	require.NoError(t, err)
	raw, err := crypto.MarshalPrivateKey(priv)
	require.NoError(t, err)
	pid, err := peer.IDFromPrivateKey(priv)
	require.NoError(t, err)
	return pid.String(), config.Secret(base64.StdEncoding.EncodeToString(raw))
}

// The names are those of the fields of v1.1.6's own struct, which is private.
// They name the environment variables, so none may ever change.
func TestNames(t *testing.T) {
	names := map[string]string{
		"HTTPLISTENMULTIADDRESS":   "http_listen_multiaddress",
		"SSLCERTFILE":              "ssl_cert_file",
		"SSLKEYFILE":               "ssl_key_file",
		"READTIMEOUT":              "read_timeout",
		"READHEADERTIMEOUT":        "read_header_timeout",
		"WRITETIMEOUT":             "write_timeout",
		"IDLETIMEOUT":              "idle_timeout",
		"MAXHEADERBYTES":           "max_header_bytes",
		"LIBP2PLISTENMULTIADDRESS": "libp2p_listen_multiaddress",
		"ID":                       "id",
		"PRIVATEKEY":               "private_key",
		"BASICAUTHCREDENTIALS":     "basic_auth_credentials",
		"HTTPLOGFILE":              "http_log_file",
		"HEADERS":                  "headers",
		"CORSALLOWEDORIGINS":       "cors_allowed_origins",
		"CORSALLOWEDMETHODS":       "cors_allowed_methods",
		"CORSALLOWEDHEADERS":       "cors_allowed_headers",
		"CORSEXPOSEDHEADERS":       "cors_exposed_headers",
		"CORSALLOWCREDENTIALS":     "cors_allow_credentials",
		"CORSMAXAGE":               "cors_max_age",

		// These are not in v1.1.6.
		"MAXCONCURRENTREQUESTS": "max_concurrent_requests",
		"MAXAUTHFAILURES":       "max_auth_failures",
		"MAXINFLIGHTBYTES":      "max_inflight_bytes",
		"TRUSTEDPROXIES":        "trusted_proxies",
		"MAXCONNECTIONS":        "max_connections",
		"ALLOWEDHOSTS":          "allowed_hosts",
	}
	values := map[string]string{
		"HTTPLISTENMULTIADDRESS":   "/ip4/127.0.0.1/tcp/1,/unix/tmp/a",
		"SSLCERTFILE":              "cert.pem",
		"SSLKEYFILE":               "key.pem",
		"READTIMEOUT":              "1s",
		"READHEADERTIMEOUT":        "2s",
		"WRITETIMEOUT":             "3s",
		"IDLETIMEOUT":              "4s",
		"MAXHEADERBYTES":           "5000",
		"MAXCONCURRENTREQUESTS":    "7",
		"MAXAUTHFAILURES":          "8",
		"MAXINFLIGHTBYTES":         "99000000",
		"TRUSTEDPROXIES":           "127.0.0.1,10.0.0.0/8,unix",
		"MAXCONNECTIONS":           "17",
		"ALLOWEDHOSTS":             "pins.example.com,pins",
		"LIBP2PLISTENMULTIADDRESS": "/ip4/127.0.0.1/tcp/2",
		"BASICAUTHCREDENTIALS":     "alice:secret,bob:secret2",
		"HTTPLOGFILE":              "http.log",
		"HEADERS":                  "X-A:1,X-B:2",
		"CORSALLOWEDORIGINS":       "https://a.example,https://b.example",
		"CORSALLOWEDMETHODS":       "GET",
		"CORSALLOWEDHEADERS":       "X-C",
		"CORSEXPOSEDHEADERS":       "X-D",
		"CORSALLOWCREDENTIALS":     "true",
		"CORSMAXAGE":               "6s",
	}
	id, key := identity(t)
	values["ID"], values["PRIVATEKEY"] = id, key.Reveal()
	for name := range names {
		require.Contains(t, values, name)
		t.Setenv("CLUSTER_PINSVCAPI_"+name, values[name])
	}

	s := newTestSection()
	require.NoError(t, s.ApplyEnvVars())
	require.Equal(t, Config{
		HTTPListenMultiaddress:   config.Multiaddrs{ma.StringCast("/ip4/127.0.0.1/tcp/1"), ma.StringCast("/unix/tmp/a")},
		SSLCertFile:              "cert.pem",
		SSLKeyFile:               "key.pem",
		ReadTimeout:              config.Duration(1 * time.Second),
		ReadHeaderTimeout:        config.Duration(2 * time.Second),
		WriteTimeout:             config.Duration(3 * time.Second),
		IdleTimeout:              config.Duration(4 * time.Second),
		MaxHeaderBytes:           5000,
		MaxConcurrentRequests:    7,
		MaxAuthFailures:          8,
		MaxInflightBytes:         99_000_000,
		TrustedProxies:           []string{"127.0.0.1", "10.0.0.0/8", "unix"},
		MaxConnections:           17,
		AllowedHosts:             []string{"pins.example.com", "pins"},
		Libp2pListenMultiaddress: config.Multiaddrs{ma.StringCast("/ip4/127.0.0.1/tcp/2")},
		ID:                       id,
		PrivateKey:               key,
		BasicAuthCredentials:     auth.Users{"alice": "secret", "bob": "secret2"},
		HTTPLogFile:              "http.log",
		Headers:                  map[string][]string{"X-A": {"1"}, "X-B": {"2"}},
		CORSAllowedOrigins:       []string{"https://a.example", "https://b.example"},
		CORSAllowedMethods:       []string{"GET"},
		CORSAllowedHeaders:       []string{"X-C"},
		CORSExposedHeaders:       []string{"X-D"},
		CORSAllowCredentials:     true,
		CORSMaxAge:               config.Duration(6 * time.Second),
	}, s.Value().Config)

	fields := reflect.VisibleFields(reflect.TypeFor[Config]())
	require.Len(t, fields, len(names), "a new key is missing in this test")
	saved, err := s.ToJSON()
	require.NoError(t, err)
	for _, key := range names {
		require.Contains(t, string(saved), `"`+key+`"`)
	}
}

// A section that v1.1.6 has written loads here, and one that is written here
// loads there, with the same values.
func TestSectionsOfOlderPeers(t *testing.T) {
	theirs := libpinsvcapi.NewConfig()
	require.NoError(t, theirs.Default())
	theirs.BasicAuthCredentials = map[string]string{"alice": "secret"}
	written, err := theirs.ToJSON()
	require.NoError(t, err)

	ours := newTestSection()
	require.NoError(t, ours.LoadJSON(written))
	got := ours.Value().Config
	require.Equal(t, theirs.HTTPListenAddr, []ma.Multiaddr(got.HTTPListenMultiaddress))
	require.Zero(t, got.ReadTimeout, "0s in a file is obeyed")
	require.Zero(t, got.WriteTimeout)
	require.Equal(t, theirs.ReadHeaderTimeout, got.ReadHeaderTimeout.Std())
	require.Equal(t, theirs.MaxHeaderBytes, got.MaxHeaderBytes)
	require.Equal(t, auth.Users{"alice": "secret"}, got.BasicAuthCredentials)
	require.Equal(t, theirs.CORSAllowedMethods, got.CORSAllowedMethods)
	require.Equal(t, DefaultConfig().MaxConcurrentRequests, got.MaxConcurrentRequests, "newer keys have their defaults")
	require.Equal(t, DefaultConfig().MaxAuthFailures, got.MaxAuthFailures)
	require.Empty(t, got.TrustedProxies)

	id, key := identity(t)
	got.HTTPListenMultiaddress = append(got.HTTPListenMultiaddress, ma.StringCast("/unix/tmp/a"))
	got.Libp2pListenMultiaddress = config.Multiaddrs{ma.StringCast("/ip4/127.0.0.1/tcp/0")}
	got.ID, got.PrivateKey = id, key
	got.ReadTimeout = config.Duration(90 * time.Second)
	got.HTTPLogFile = "http.log"
	got.MaxConcurrentRequests, got.MaxAuthFailures, got.TrustedProxies = 1, 2, []string{"unix"}
	got.Headers = map[string][]string{"X-A": {"1", "2"}}
	ours.Set(testConfig{got})
	written, err = ours.ToJSON()
	require.NoError(t, err)

	back := libpinsvcapi.NewConfig()
	require.NoError(t, back.LoadJSON(written))
	require.Equal(t, []ma.Multiaddr(got.HTTPListenMultiaddress), back.HTTPListenAddr)
	require.Equal(t, []ma.Multiaddr(got.Libp2pListenMultiaddress), back.Libp2pListenAddr)
	require.Equal(t, id, back.ID.String())
	require.Equal(t, 90*time.Second, back.ReadTimeout)
	require.Equal(t, "http.log", back.HTTPLogFile)
	require.Equal(t, got.Headers, back.Headers)
	require.Equal(t, map[string]string{"alice": "secret"}, back.BasicAuthCredentials)

	again := newTestSection()
	require.NoError(t, again.LoadJSON(written))
	require.Equal(t, got, again.Value().Config)
}

func TestDefaults(t *testing.T) {
	cfg := newTestSection().Value().Config
	require.Empty(t, cfg.Validate())
	require.Empty(t, cfg.CORSHint())
	require.Positive(t, cfg.ReadTimeout)
	require.Positive(t, cfg.ReadHeaderTimeout)
	require.Positive(t, cfg.WriteTimeout)
	require.Positive(t, cfg.IdleTimeout)
	require.Positive(t, cfg.MaxConcurrentRequests)
	require.Positive(t, cfg.MaxAuthFailures)
	require.False(t, cfg.CORSAllowCredentials)
	require.Nil(t, cfg.BasicAuthCredentials)
}

func TestCredentialsInTheFile(t *testing.T) {
	for raw, want := range map[string]auth.Users{
		`{}`:                              nil,
		`{"basic_auth_credentials":null}`: nil,
		`{"basic_auth_credentials":{}}`:   {},
		`{"basic_auth_credentials":{"a":"b:c,d"}}`: {"a": "b:c,d"},
	} {
		s := newTestSection()
		require.NoError(t, s.LoadJSON([]byte(raw)), raw)
		got := s.Value().BasicAuthCredentials
		require.Equal(t, want, got, raw)
		require.Equal(t, want == nil, got == nil, raw)

		saved, err := s.ToJSON()
		require.NoError(t, err)
		again := newTestSection()
		require.NoError(t, again.LoadJSON(saved))
		require.Equal(t, want, again.Value().BasicAuthCredentials, raw)
	}
}

func TestCredentialsInTheEnvironment(t *testing.T) {
	for value, want := range map[string]string{
		"":             "is set but empty",
		"  ":           "is set but empty",
		"hunter2":      "pair 1 is not user:password",
		"a:b,hunter2":  "pair 2 is not user:password",
		"a:b:hunter2":  "pair 1 is not user:password",
		"alice:":       `user "alice" has no password`,
		":hunter2":     "a user has no name",
		"a:hunter2,,b": "pair 2 is not user:password",
	} {
		t.Run(value, func(t *testing.T) {
			t.Setenv("CLUSTER_PINSVCAPI_BASICAUTHCREDENTIALS", value)
			err := newTestSection().ApplyEnvVars()
			require.ErrorContains(t, err, "api.pinsvcapi.basic_auth_credentials: ")
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestValidate(t *testing.T) {
	id, key := identity(t)
	otherID, _ := identity(t)
	tests := map[string]struct {
		raw  string
		want []string
	}{
		"times": {`{"read_timeout":"-1s","read_header_timeout":"-1s","write_timeout":"-1s","idle_timeout":"-1s","cors_max_age":"-1s"}`, []string{
			"read_timeout: must not be negative, is -1s", "read_header_timeout: must not be negative, is -1s",
			"write_timeout: must not be negative, is -1s", "idle_timeout: must not be negative, is -1s",
			"cors_max_age: must not be negative, is -1s",
		}},
		"numbers": {`{"max_concurrent_requests":-1,"max_auth_failures":-2}`, []string{
			"max_concurrent_requests: must not be negative, is -1", "max_auth_failures: must not be negative, is -2",
		}},
		"a proxy's name":  {`{"trusted_proxies":["10.0.0.0/8","proxy"]}`, []string{`trusted_proxies: "proxy" is not an IP address`}},
		"a proxy's zone":  {`{"trusted_proxies":["fe80::1%eth0"]}`, []string{`trusted_proxies: "fe80::1%eth0" is not an IP address`}},
		"a proxy's bits":  {`{"trusted_proxies":["10.0.0.0/33"]}`, []string{`trusted_proxies: "10.0.0.0/33" is not an IP address`}},
		"no hash":         {`{"basic_auth_credentials":{"bob":"$2hunter2"}}`, []string{`basic_auth_credentials: user "bob": the entry begins like a bcrypt hash, but is none`}},
		"a costly hash":   {`{"basic_auth_credentials":{"bob":"$2a$17$hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunt"}}`, []string{"is a bcrypt hash of cost 17, at most 16"}},
		"small headers":   {`{"max_header_bytes":4095}`, []string{"max_header_bytes: must be at least 4096, is 4095"}},
		"key without":     {`{"ssl_key_file":"key.pem"}`, []string{"ssl_cert_file: is missing"}},
		"certificate":     {`{"ssl_cert_file":"cert.pem"}`, []string{"ssl_key_file: is missing"}},
		"udp":             {`{"http_listen_multiaddress":"/ip4/127.0.0.1/udp/1"}`, []string{"http_listen_multiaddress: /ip4/127.0.0.1/udp/1 cannot be listened on"}},
		"no port":         {`{"http_listen_multiaddress":"/ip4/127.0.0.1"}`, []string{"http_listen_multiaddress: /ip4/127.0.0.1 cannot be listened on"}},
		"a websocket":     {`{"http_listen_multiaddress":"/ip4/127.0.0.1/tcp/1/ws"}`, []string{"has more than an address and a TCP port"}},
		"no libp2p id":    {fmt.Sprintf(`{"private_key":%q}`, key.Reveal()), []string{"libp2p_listen_multiaddress: is missing", "id: is missing"}},
		"no libp2p key":   {fmt.Sprintf(`{"id":%q,"libp2p_listen_multiaddress":"/ip4/127.0.0.1/tcp/0"}`, id), []string{"private_key: is missing"}},
		"bad libp2p":      {`{"id":"x","private_key":"hunter2 ","libp2p_listen_multiaddress":"/ip4/127.0.0.1/tcp/0"}`, []string{`id: "x" is not a peer ID`, "private_key: is not base64"}},
		"bad libp2p key":  {fmt.Sprintf(`{"id":%q,"private_key":"aHVudGVyMg==","libp2p_listen_multiaddress":"/ip4/127.0.0.1/tcp/0"}`, id), []string{"private_key: is not a libp2p private key"}},
		"other libp2p id": {fmt.Sprintf(`{"id":%q,"private_key":%q,"libp2p_listen_multiaddress":"/ip4/127.0.0.1/tcp/0"}`, otherID, key.Reveal()), []string{"id: does not belong to private_key"}},
		"users":           {`{"basic_auth_credentials":{"":"hunter2","bob":""}}`, []string{"a user has no name", `user "bob" has no password`}},
		"a header's name": {`{"headers":{"X Y":["1"]}}`, []string{`headers: "X Y" is not the name of a header`}},
		"a header":        {`{"headers":{"X":["1\n2"]}}`, []string{`headers: X: "1\n2" cannot be sent`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := newTestSection().LoadJSON([]byte(test.raw))
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), key.Reveal())
		})
	}
}

func TestValidateAccepts(t *testing.T) {
	for _, raw := range []string{
		`{"max_header_bytes":0}`,
		`{"max_concurrent_requests":0,"max_auth_failures":0,"trusted_proxies":[]}`,
		`{"trusted_proxies":["127.0.0.1","::1","10.0.0.0/8","fd00::/8","unix"]}`,
		`{"basic_auth_credentials":{"a":"$2a$04$CMwK0l9JM.LcuGtMm1J5q.eGEqFDxJ1HZ0Hd4kZsFmSC7Ok9LhE3q"}}`,
		`{"id":"","private_key":""}`,
		`{"read_timeout":"0s","write_timeout":"0s"}`,
		`{"http_listen_multiaddress":["/ip6/::1/tcp/0","/dns4/localhost/tcp/1","/dns/localhost/tcp/1","/unix/tmp/a.sock"]}`,
		`{"ssl_cert_file":"missing.pem","ssl_key_file":"missing.pem"}`,
	} {
		require.NoError(t, newTestSection().LoadJSON([]byte(raw)), raw)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	id, key := identity(t)
	s := newTestSection()
	cfg := s.Value()
	cfg.BasicAuthCredentials = auth.Users{"alice": "hunter2"}
	cfg.ID, cfg.PrivateKey = id, key
	s.Set(cfg)
	shown, err := s.ToDisplayJSON()
	require.NoError(t, err)
	texts := []string{string(shown)}
	creds := auth.NewCredentials(cfg.BasicAuthCredentials)
	h, err := NewHandler(cfg.Config, creds, fakeAPI())
	require.NoError(t, err)
	cfg.Libp2pListenMultiaddress = addrs("/ip4/127.0.0.1/tcp/0")
	server, err := NewServer(cfg.Config, "", h)
	require.NoError(t, err)
	for _, value := range []any{s, h, server, cfg, &cfg, cfg.Config, &cfg.Config, cfg.BasicAuthCredentials, cfg.PrivateKey, creds} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
	}
	for _, text := range texts {
		require.NotContains(t, text, "hunter2")
		require.NotContains(t, text, key.Reveal())
	}
	require.Contains(t, string(shown), config.Hidden)
}

func TestCORSHint(t *testing.T) {
	const hint = "web pages in a browser cannot make changes here: "
	tests := map[string]struct {
		methods, headers []string
		want             string
	}{
		"all":             {[]string{"GET", "POST", "DELETE"}, []string{"authorization"}, ""},
		"any header":      {[]string{"GET", "POST", "DELETE"}, []string{"*"}, ""},
		"default headers": {[]string{"GET", "POST", "DELETE"}, []string{}, ""},
		"as v1.1.6":       {[]string{"GET"}, []string{}, hint + "POST and DELETE not in cors_allowed_methods"},
		"no DELETE":       {[]string{}, []string{}, hint + "DELETE not in cors_allowed_methods"},
		"no header":       {[]string{"GET", "POST", "DELETE"}, []string{"Content-Type"}, hint + "Authorization not in cors_allowed_headers"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.CORSAllowedMethods, cfg.CORSAllowedHeaders = test.methods, test.headers
			require.Equal(t, test.want, cfg.CORSHint())
		})
	}
}
