package peer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api/rest"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/config"
)

// This file stands for a REST API of our own. The section is decoded strictly,
// like ours, and then handed to the library's component as JSON.

// restConfig is the section `api.restapi` of service.json.
type restConfig struct {
	common.Config
}

func newRestSection() *config.Section[restConfig] {
	return config.New(config.Spec[restConfig]{
		Group:    "api",
		Key:      "restapi",
		Env:      "cluster_restapi",
		Defaults: defaultRestConfig,
		Validate: func(c *restConfig) []error { return c.Config.Validate() },
	})
}

func defaultRestConfig() restConfig {
	c := restConfig{Config: common.DefaultConfig()}
	c.HTTPListenMultiaddress = config.Multiaddrs{multiaddr.StringCast("/ip4/127.0.0.1/tcp/9094")}
	c.CORSAllowedOrigins = []string{"*"}
	c.CORSAllowedMethods = []string{http.MethodGet}
	return c
}

// newRestapi binds the component's addresses and returns their URLs.
func newRestapi(ctx context.Context, s *Settings, h host.Host) (ipfscluster.API, []string, error) {
	text, err := s.Restapi.ToJSON()
	if err != nil {
		return nil, nil, err
	}
	cfg := rest.NewConfig()
	cfg.SetBaseDir(s.folder)
	cfg.Tracing = s.Tracing.EnableTracing
	if err := cfg.LoadJSON(nobodyEnters(text)); err != nil {
		return nil, nil, err
	}
	api, err := rest.NewAPIWithHost(ctx, cfg, h)
	if err != nil {
		return nil, nil, err
	}
	scheme := "http://"
	if cfg.TLS != nil {
		scheme = "https://"
	}
	addrs, _ := api.HTTPAddresses() // an error means that there are none
	for i := range addrs {
		addrs[i] = scheme + addrs[i]
	}
	return api, addrs, nil
}

// nobodyEnters replaces empty credentials, which the library refuses to load,
// by one user whose name and password nobody knows.
func nobodyEnters(text []byte) []byte {
	var section map[string]any
	if json.Unmarshal(text, &section) != nil {
		return text
	}
	users, set := section["basic_auth_credentials"].(map[string]any)
	if !set || len(users) > 0 {
		return text
	}
	section["basic_auth_credentials"] = map[string]string{rand.Text(): rand.Text()}
	if changed, err := json.Marshal(section); err == nil {
		return changed
	}
	return text
}
