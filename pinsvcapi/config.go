package pinsvcapi

import (
	"net/http"

	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/config"
)

// The section's place in service.json and the prefix of its environment
// variables, as in ipfs-cluster-service.
const (
	configKey = "pinsvcapi"
	configEnv = "cluster_pinsvcapi"
)

// minBodyBytes is enough for a pin with a CID and a name.
const minBodyBytes = 4096

// Config is the section `api.pinsvcapi` of service.json.
type Config struct {
	common.Config

	// MaxBodyBytes bounds a request's body, in bytes. Raise it for clients
	// with a lot of meta; a pin cannot be larger than 1 MiB anyway.
	MaxBodyBytes int64 `json:"max_body_bytes"`

	// Delegates overrides the addresses that clients are told to dial, for
	// nodes behind a NAT or a proxy. Each ends in /p2p/<peer ID>; at most
	// 20. Empty: the addresses of the IPFS nodes that take the pin.
	Delegates config.Multiaddrs `json:"delegates,omitempty"`
}

// DefaultConfig listens on loopback without credentials, and lets pages of any
// origin pin (with a token that they have been given).
func DefaultConfig() Config {
	c := Config{Config: common.DefaultConfig(), MaxBodyBytes: 1 << 20}
	c.HTTPListenMultiaddress = config.Multiaddrs{multiaddr.StringCast("/ip4/127.0.0.1/tcp/9097")}
	c.CORSAllowedOrigins = []string{"*"}
	c.CORSAllowedMethods = []string{http.MethodGet, http.MethodPost, http.MethodDelete}
	c.CORSAllowedHeaders = []string{"Authorization", "Content-Type"}
	c.CORSAllowCredentials = false
	return c
}

// Validate returns all errors joined; each names its key.
func (c *Config) Validate() []error {
	errs := c.Config.Validate()
	if c.MaxBodyBytes < minBodyBytes {
		errs = append(errs, config.KeyError("max_body_bytes", "%d is too small; at least %d", c.MaxBodyBytes, minBodyBytes))
	}
	if len(c.Delegates) > maxDelegates {
		errs = append(errs, config.KeyError("delegates", "%d addresses; at most %d", len(c.Delegates), maxDelegates))
	}
	for _, d := range c.Delegates {
		if !endsInPeer(d) {
			errs = append(errs, config.KeyError("delegates", "%s does not end in /p2p/<peer ID>", d))
		}
	}
	return errs
}

// NewSection returns the section with its defaults.
func NewSection() *config.Section[Config] {
	return config.New(config.Spec[Config]{
		Group:    "api",
		Key:      configKey,
		Env:      configEnv,
		Defaults: DefaultConfig,
		Validate: (*Config).Validate,
	})
}
