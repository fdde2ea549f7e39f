package settings

import (
	"net/http"
	"slices"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// Guard puts the rules for open addresses on loopback before a server that asks
// for no credentials, with the host names and origins of both API sections.
func (s *Settings) Guard(server *http.Server) {
	pins, rest := s.Pinsvcapi.Value(), s.Restapi.Value()
	server.Handler = common.GuardOpen(common.Config{
		AllowedHosts:       slices.Concat(pins.AllowedHosts, rest.AllowedHosts),
		CORSAllowedOrigins: slices.Concat(pins.CORSAllowedOrigins, rest.CORSAllowedOrigins),
	}, server.Handler)
	server.ConnContext, server.ConnState = common.ConnContext, listen.ConnState
}

// InflightBytes returns how many bytes the requests of all APIs may have in
// memory: the smallest that one of them is configured with, 0 for the default.
func (s *Settings) InflightBytes() int64 {
	pins, rest := s.Pinsvcapi.Value().MaxInflightBytes, s.Restapi.Value().MaxInflightBytes
	if pins == 0 || rest == 0 {
		return max(pins, rest)
	}
	return min(pins, rest)
}
