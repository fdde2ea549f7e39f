package config

import (
	"encoding/json"
	"fmt"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
)

// Multiaddrs is a list of multiaddresses. In the file it is a string, or an
// array of strings when there are several or none; in the environment it is a
// comma-separated list. An empty text keeps the default, an empty array is an
// empty list.
type Multiaddrs []ma.Multiaddr

// Strings returns the addresses as text, in their order.
func (m Multiaddrs) Strings() []string {
	texts := make([]string, len(m))
	for i, addr := range m {
		texts[i] = addr.String()
	}
	return texts
}

// MarshalJSON writes one address as a string, any other number as an array.
func (m Multiaddrs) MarshalJSON() ([]byte, error) {
	if len(m) == 1 {
		return json.Marshal(m[0].String())
	}
	return json.Marshal(m.Strings())
}

// UnmarshalJSON reads a string or an array of strings. Null and the empty
// string leave the list as it is.
func (m *Multiaddrs) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if one == "" {
			return nil
		}
		return m.parse([]string{one})
	}
	var several []string
	if json.Unmarshal(raw, &several) != nil {
		return fmt.Errorf("must be a multiaddress or a list of them")
	}
	return m.parse(several)
}

// UnmarshalText reads a comma-separated list. Empty text leaves the list as it
// is.
func (m *Multiaddrs) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	return m.parse(strings.Split(string(text), ","))
}

func (m *Multiaddrs) parse(texts []string) error {
	addrs := make(Multiaddrs, 0, len(texts))
	for _, text := range texts {
		addr, err := ma.NewMultiaddr(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("%q is not a multiaddress such as \"/ip4/127.0.0.1/tcp/9097\": %w", text, err)
		}
		addrs = append(addrs, addr)
	}
	*m = addrs
	return nil
}
