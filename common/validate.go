package common

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/net/http/httpguts"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/common/listen"
	"github.com/ipfs-cluster/pinsvc/config"
)

// Validate returns every mistake, each made by config.KeyError. No message has
// a secret in it. Files are not looked at: that is for Server.Listen.
func (c *Config) Validate() []error {
	return slices.Concat(
		c.validateLimits(),
		c.validateTLS(),
		c.validateAddresses(),
		c.validateLibp2p(),
		c.validateUsers(),
		c.validateHeaders(),
	)
}

func (c *Config) validateLimits() []error {
	var mistakes []error
	for _, d := range []struct {
		key   string
		value config.Duration
	}{
		{"read_timeout", c.ReadTimeout},
		{"read_header_timeout", c.ReadHeaderTimeout},
		{"write_timeout", c.WriteTimeout},
		{"idle_timeout", c.IdleTimeout},
		{"cors_max_age", c.CORSMaxAge},
	} {
		if d.value < 0 {
			mistakes = append(mistakes, config.KeyError(d.key, "must not be negative, is %s", d.value))
		}
	}
	for _, n := range []struct {
		key   string
		value int
	}{
		{"max_concurrent_requests", c.MaxConcurrentRequests},
		{"max_connections", c.MaxConnections},
		{"max_auth_failures", c.MaxAuthFailures},
	} {
		if n.value < 0 {
			mistakes = append(mistakes, config.KeyError(n.key, "must not be negative, is %d", n.value))
		}
	}
	if c.MaxInflightBytes != 0 && c.MaxInflightBytes < leastBudget {
		mistakes = append(mistakes, config.KeyError("max_inflight_bytes",
			"must be 0 or at least %d, is %d", leastBudget, c.MaxInflightBytes))
	}
	if c.MaxHeaderBytes != 0 && c.MaxHeaderBytes < minMaxHeaderBytes {
		mistakes = append(mistakes, config.KeyError("max_header_bytes",
			"must be at least %d, is %d", minMaxHeaderBytes, c.MaxHeaderBytes))
	}
	return mistakes
}

func (c *Config) validateTLS() []error {
	switch {
	case c.SSLCertFile != "" && c.SSLKeyFile == "":
		return []error{config.KeyError("ssl_key_file", "is missing, ssl_cert_file needs it")}
	case c.SSLCertFile == "" && c.SSLKeyFile != "":
		return []error{config.KeyError("ssl_cert_file", "is missing, ssl_key_file needs it")}
	}
	return nil
}

func (c *Config) validateAddresses() []error {
	var mistakes []error
	for _, addr := range c.HTTPListenMultiaddress {
		if _, err := listen.ParseEndpoint(addr); err != nil {
			mistakes = append(mistakes, config.KeyError("http_listen_multiaddress", "%w", err))
		}
	}
	return mistakes
}

func (c *Config) validateLibp2p() []error {
	if c.ID == "" && c.PrivateKey == "" && len(c.Libp2pListenMultiaddress) == 0 {
		return nil
	}
	var mistakes []error
	missing := func(key string, is bool) {
		if is {
			mistakes = append(mistakes, config.KeyError(key,
				"is missing: id, private_key and libp2p_listen_multiaddress need each other"))
		}
	}
	missing("libp2p_listen_multiaddress", len(c.Libp2pListenMultiaddress) == 0)
	missing("id", c.ID == "")
	missing("private_key", c.PrivateKey == "")
	id, err := peer.Decode(c.ID)
	badID := err != nil
	if badID && c.ID != "" {
		mistakes = append(mistakes, config.KeyError("id", "%q is not a peer ID", c.ID))
	}
	key, err := c.libp2pKey()
	if err != nil && c.PrivateKey != "" {
		mistakes = append(mistakes, config.KeyError("private_key", "%w", err))
	}
	if !badID && err == nil && !id.MatchesPrivateKey(key) {
		mistakes = append(mistakes, config.KeyError("id", "does not belong to private_key"))
	}
	return mistakes
}

// libp2pKey returns the private key of the API's own host.
func (c *Config) libp2pKey() (crypto.PrivKey, error) {
	raw, err := base64.StdEncoding.DecodeString(c.PrivateKey.Reveal())
	if err != nil {
		return nil, errors.New("is not base64")
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, errors.New("is not a libp2p private key")
	}
	return key, nil
}

func (c *Config) validateUsers() []error {
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(c.BasicAuthCredentials)) {
		switch {
		case name == "":
			mistakes = append(mistakes, config.KeyError("basic_auth_credentials", "a user has no name"))
		case c.BasicAuthCredentials[name] == "":
			mistakes = append(mistakes, config.KeyError("basic_auth_credentials",
				"user %q has no password: set one, or remove the user", name))
		case auth.IsHashed(c.BasicAuthCredentials[name]):
			if err := auth.CheckHash(c.BasicAuthCredentials[name]); err != nil {
				mistakes = append(mistakes, config.KeyError("basic_auth_credentials", "user %q: the entry %w", name, err))
			}
		}
	}
	for _, name := range c.AllowedHosts {
		if err := checkHostName(name); err != nil {
			mistakes = append(mistakes, config.KeyError("allowed_hosts", "%w", err))
		}
	}
	if _, err := parseProxies(c.TrustedProxies); err != nil {
		mistakes = append(mistakes, config.KeyError("trusted_proxies", "%w", err))
	}
	return mistakes
}

func (c *Config) validateHeaders() []error {
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if err := checkHeader(name, c.Headers[name]); err != nil {
			mistakes = append(mistakes, config.KeyError("headers", "%w", err))
		}
	}
	return mistakes
}

func checkHeader(name string, values []string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is not the name of a header", name)
	}
	for _, value := range values {
		if !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("%s: %q cannot be sent in a header", name, value)
		}
	}
	return nil
}
