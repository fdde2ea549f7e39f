package restapi

import (
	"net/http"

	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/config"
)

// The section's place in service.json and the prefix of its environment
// variables, as in ipfs-cluster-service.
const (
	configKey = "restapi"
	configEnv = "cluster_restapi"
)

// Config is the section `api.restapi` of service.json.
type Config struct {
	common.Config
}

// DefaultConfig listens on loopback without credentials. Pages of any origin
// may read, when they have credentials, but not change anything: this is the
// operators' API.
func DefaultConfig() Config {
	c := Config{Config: common.DefaultConfig()}
	c.HTTPListenMultiaddress = config.Multiaddrs{multiaddr.StringCast("/ip4/127.0.0.1/tcp/9094")}
	c.CORSAllowedOrigins = []string{"*"}
	c.CORSAllowedMethods = []string{http.MethodGet}
	c.CORSExposedHeaders = []string{"Retry-After", "X-Stream-Error", "X-Chunked-Output"}
	return c
}

// Validate returns all errors joined; each names its key.
func (c *Config) Validate() []error { return c.Config.Validate() }

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
