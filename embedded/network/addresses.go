package network

import (
	"encoding/json"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/config"
)

// Addresses is a list of multiaddresses that the file has as an array, however
// many there are. It reads what config.Multiaddrs reads.
type Addresses []ma.Multiaddr

// MarshalJSON writes an array of strings.
func (a Addresses) MarshalJSON() ([]byte, error) {
	return json.Marshal(config.Multiaddrs(a).Strings())
}

// UnmarshalJSON reads an array of strings, or one string.
func (a *Addresses) UnmarshalJSON(raw []byte) error {
	return (*config.Multiaddrs)(a).UnmarshalJSON(raw)
}

// UnmarshalText reads a comma-separated list. Empty text leaves the list as it
// is.
func (a *Addresses) UnmarshalText(text []byte) error {
	return (*config.Multiaddrs)(a).UnmarshalText(text)
}
