package common

import (
	"net/http"
	"time"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/config"
)

// Config has the keys that the sections of all APIs share. They have the names,
// in the file and in the environment, that ipfs-cluster-service v1.1.6 gave
// them; a component embeds Config in its own struct.
type Config struct {
	// Addresses to serve HTTP on: /ip4, /ip6 or /dns with /tcp, or /unix.
	// Port 0 takes a free one. An empty list means none.
	HTTPListenMultiaddress config.Multiaddrs `json:"http_listen_multiaddress"`
	// Certificate chain (PEM) for HTTPS on the TCP addresses, relative to
	// the folder of service.json. Empty means no TLS. It is read again when
	// it changes.
	SSLCertFile string `json:"ssl_cert_file,omitempty"`
	// Private key (PEM) that belongs to the certificate.
	SSLKeyFile string `json:"ssl_key_file,omitempty"`
	// How long a client may take to send a request, of a streaming route a
	// part of it. 0 means for ever.
	ReadTimeout config.Duration `json:"read_timeout"`
	// How long a client may take to send the headers. 0 means read_timeout.
	ReadHeaderTimeout config.Duration `json:"read_header_timeout"`
	// How long answering a request may take, of a streaming route a part of
	// it. Shortly before that the answer becomes a 503. 0 means for ever.
	WriteTimeout config.Duration `json:"write_timeout"`
	// How long a connection is kept for the next request. 0 means
	// read_timeout.
	IdleTimeout config.Duration `json:"idle_timeout"`
	// How large the headers of a request may be in bytes, at least 4096. 0
	// means 4096.
	MaxHeaderBytes int `json:"max_header_bytes"`

	// How many requests each address answers at once; to more it answers
	// 503. Requests that wait for the rest of their body do not count. 0
	// means any number. Lower it when the machine has little memory.
	MaxConcurrentRequests int `json:"max_concurrent_requests"`

	// How many bytes of pins, bodies and answers may be in memory at once, at
	// least 32 MiB; what does not find room within 10 s is answered with 503.
	// The APIs of a peer share this: when they differ, the smallest counts. 0
	// means an eighth of what the process may use (its control group,
	// GOMEMLIMIT or the machine), at most 128 MiB. Raise it when many clients
	// send or list pins of hundreds of KB at the same time.
	MaxInflightBytes int64 `json:"max_inflight_bytes"`
	// How many connections each address keeps. For one more, a connection
	// without a request is closed: of the clients' addresses the one with
	// most connections loses its oldest. 0 means an eighth of the process's
	// limit of open files (ulimit -n), at most 8192; more than half of that
	// limit counts as half. Raise both when many clients stay connected.
	MaxConnections int `json:"max_connections"`

	// Addresses of an own libp2p host that serves HTTP over its streams. It
	// needs id and private_key. Empty means none.
	Libp2pListenMultiaddress config.Multiaddrs `json:"libp2p_listen_multiaddress,omitempty"`
	// Peer ID of that host. It must not be the one of the cluster peer.
	ID string `json:"id,omitempty"`
	// Private key of that host: base64 of the protobuf form, as in
	// identity.json.
	PrivateKey config.Secret `json:"private_key,omitempty" hidden:"true"`

	// Users and their passwords, each as it is or as a bcrypt hash, which
	// begins with $2. Null means that everybody may enter, {} that nobody
	// may.
	BasicAuthCredentials auth.Users `json:"basic_auth_credentials" hidden:"true"`
	// How many wrong passwords and tokens one address may send in a minute,
	// to all APIs together. The answer to more is 429, about a second later,
	// and new passwords of that address are verified one after the other. 0
	// means any number. Raise it when many users share one address.
	MaxAuthFailures int `json:"max_auth_failures"`
	// Host names, without a port, that requests to a loopback address without
	// credentials may be for, beside IP addresses, localhost and names in
	// http_listen_multiaddress. The answer to others is 403, since a web page
	// can make its own name lead to this machine. "*" means any name. Set it
	// behind a reverse proxy that passes on the name that it was asked for.
	AllowedHosts []string `json:"allowed_hosts,omitempty"`
	// Reverse proxies whose X-Forwarded-For is believed: IP addresses,
	// networks such as "10.0.0.0/8", or "unix" for all clients of a unix
	// socket. Set it behind a proxy, or all users are one address. The address
	// on the page for browsers is https then, unless X-Forwarded-Proto says
	// http, with the path of X-Forwarded-Prefix.
	TrustedProxies []string `json:"trusted_proxies,omitempty"`
	// File for the access log, relative to the folder of service.json. Empty
	// means the log of the program.
	HTTPLogFile string `json:"http_log_file"`
	// Headers that every answer has.
	Headers map[string][]string `json:"headers"`

	// Origins whose pages may use the API in a browser. "*", or an empty
	// list, means any, although without credentials and on loopback only
	// origins that are named may change anything.
	CORSAllowedOrigins []string `json:"cors_allowed_origins"`
	// Methods that those pages may use. Empty means GET and POST.
	CORSAllowedMethods []string `json:"cors_allowed_methods"`
	// Headers that those pages may send. Empty means Accept, Authorization,
	// Content-Type and X-Requested-With.
	CORSAllowedHeaders []string `json:"cors_allowed_headers"`
	// Headers of an answer that those pages may read.
	CORSExposedHeaders []string `json:"cors_exposed_headers"`
	// Whether browsers may send cookies and their own stored credentials.
	// It has no effect when any origin is allowed.
	CORSAllowCredentials bool `json:"cors_allow_credentials"`
	// How long a browser may remember what it is allowed. 0 leaves that to
	// the browser.
	CORSMaxAge config.Duration `json:"cors_max_age"`
}

// The smallest size of headers that can be configured, and what 0 means.
const minMaxHeaderBytes = 4096

// DefaultConfig returns the defaults that all APIs share: no addresses, no
// users (to be set by who knows better), limits on time and size, and any origin
// for pages in a browser. A component adds its address.
func DefaultConfig() Config {
	return Config{
		HTTPListenMultiaddress: config.Multiaddrs{},
		ReadTimeout:            config.Duration(30 * time.Second),
		ReadHeaderTimeout:      config.Duration(5 * time.Second),
		WriteTimeout:           config.Duration(60 * time.Second),
		IdleTimeout:            config.Duration(120 * time.Second),
		MaxHeaderBytes:         16 << 10,
		MaxConcurrentRequests:  512,
		MaxAuthFailures:        60,
		Headers:                map[string][]string{},
		CORSAllowedOrigins:     []string{"*"},
		CORSAllowedMethods:     []string{http.MethodGet, http.MethodPost, http.MethodDelete},
		CORSAllowedHeaders:     []string{"Authorization", "Content-Type"},
		CORSExposedHeaders:     []string{"Retry-After"},
		CORSMaxAge:             config.Duration(10 * time.Minute),
	}
}
