package settings

import (
	"slices"

	"github.com/ipfs-cluster/ipfs-cluster/config"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// ConfiguredUsers returns the users of every API of ours that has a section.
func (s *Settings) ConfiguredUsers() map[string]auth.Users {
	users := make(map[string]auth.Users)
	if s.Has(config.API, "pinsvcapi") {
		users[s.Pinsvcapi.Name()] = s.Pinsvcapi.Value().BasicAuthCredentials
	}
	if s.Has(config.API, "restapi") {
		users[s.Restapi.Name()] = s.Restapi.Value().BasicAuthCredentials
	}
	return users
}

// UserNames returns the names of all users of our API sections, sorted.
func (s *Settings) UserNames() []string {
	var names []string
	for _, users := range s.ConfiguredUsers() {
		for name := range users {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
