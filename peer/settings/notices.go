package settings

import (
	"fmt"
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/ipfs-cluster/pinsvc/common"
)

// Notices returns what an operator should know about the configuration before
// the peer runs: each a sentence or two that names section and key.
func (s *Settings) Notices() []string {
	out := slices.Concat(s.Pinsvcapi.Warnings(), s.Restapi.Warnings(), s.Embedded.Warnings())
	out = append(out, s.exposed()...)
	for _, name := range s.strangers {
		out = append(out, name+": nobody knows this section, and it does nothing. Is its name right?")
	}
	if s.Has(config.API, "pinsvcapi") {
		cfg := s.Pinsvcapi.Value().Config
		out = append(out, accessNotices("api.pinsvcapi", cfg)...)
		if hint := cfg.CORSHint(); hint != "" {
			out = append(out, "api.pinsvcapi: "+hint)
		}
	}
	if s.Has(config.API, "restapi") {
		out = append(out, accessNotices("api.restapi", s.Restapi.Value().Config)...)
	}
	return out
}

// accessNotices is about APIs that everybody, or nobody, may use, or whoever
// guesses a short password.
func accessNotices(section string, cfg common.Config) []string {
	if cfg.BasicAuthCredentials != nil {
		if len(cfg.BasicAuthCredentials) == 0 {
			return []string{section + ".basic_auth_credentials is {}: nobody may use this API. Add a user, or remove the section."}
		}
		if hint := cfg.PasswordHint(); hint != "" {
			return []string{section + "." + hint + "."}
		}
		return nil
	}
	public := slices.Concat(cfg.HTTPListenMultiaddress, cfg.Libp2pListenMultiaddress)
	public = slices.DeleteFunc(public, private)
	if len(public) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s HAS NO CREDENTIALS AND LISTENS ON %s: whoever reaches that address may change the pinset. "+
		`Set %s.basic_auth_credentials to {"user": "long random password"}, or listen on 127.0.0.1.`, section, public[0], section)}
}

// private tells whether only this machine can reach the address.
func private(a multiaddr.Multiaddr) bool {
	_, err := a.ValueForProtocol(multiaddr.P_UNIX)
	return err == nil || manet.IsIPLoopback(a)
}
