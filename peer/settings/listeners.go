package settings

import (
	"errors"
	"fmt"

	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// listener is a key of the configuration with addresses to listen on.
type listener struct {
	key   string
	addrs []multiaddr.Multiaddr
	any   bool // one that works is enough
}

// listeners returns those of the configured components.
func (s *Settings) listeners() []listener {
	all := []listener{{key: "cluster.listen_multiaddress", addrs: s.Cluster.ListenAddr, any: true}}
	if s.Has(config.API, "pinsvcapi") {
		all = append(all, listener{key: "api.pinsvcapi.http_listen_multiaddress", addrs: s.Pinsvcapi.Value().HTTPListenMultiaddress})
	}
	if s.Has(config.API, "restapi") {
		all = append(all, listener{key: "api.restapi.http_listen_multiaddress", addrs: s.Restapi.Value().HTTPListenMultiaddress})
	}
	if s.Has(config.API, "ipfsproxy") {
		all = append(all, listener{key: "api.ipfsproxy.listen_multiaddress", addrs: s.Ipfsproxy.ListenAddr})
	}
	if s.Has(config.IPFSConn, SectionEmbedded) {
		all = append(all, listener{key: "ipfs_connector.embedded.listen_multiaddresses", addrs: s.Embedded.Value().ListenMultiaddresses, any: true})
	}
	if s.Metrics.EnableStats {
		all = append(all, listener{key: "observations.metrics.prometheus_endpoint", addrs: []multiaddr.Multiaddr{s.Metrics.PrometheusEndpoint}})
	}
	return all
}

// CheckPorts tries every TCP address before anything is started, so that all
// that are taken are told at once: most often another peer of this machine has
// them all. The library says it in many words, late, or ends the process.
func (s *Settings) CheckPorts() error {
	var mistakes []error
	for _, l := range s.listeners() {
		if err := l.try(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return errors.Join(mistakes...)
}

func (l listener) try() error {
	var failed []error
	for _, a := range l.addrs {
		if _, err := a.ValueForProtocol(multiaddr.P_TCP); err != nil {
			continue
		}
		err := tryPort(a)
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: cannot listen on %s: %w", l.key, a, listen.ExplainBind(err)))
		case l.any:
			return nil
		}
	}
	return errors.Join(failed...)
}
