package process

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// settings is a service.json of which nothing is known but what is edited.
type settings struct {
	file string
	root map[string]any
}

func readSettings(file string) (*settings, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &settings{file: file}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&s.root); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func (s *settings) write() error {
	raw, err := json.MarshalIndent(s.root, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.file, raw, 0o600)
}

// get returns the value at a path of keys, or nil.
func (s *settings) get(path ...string) any {
	var v any = s.root
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// set puts a value at a path of keys, and makes the objects on the way.
func (s *settings) set(value any, path ...string) {
	m := s.root
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	m[path[len(path)-1]] = value
}

// apply edits the file: one host only, no search for other peers, pings soon
// enough that peers know each other within seconds, and the options.
func (s *settings) apply(o Options) {
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	s.root, _ = onHost(s.root, o.Host).(map[string]any)
	s.set("0s", "cluster", "mdns_interval")
	s.set("2s", "cluster", "monitor_ping_interval")
	if o.IPFS != "" {
		if ways, ok := s.get("ipfs_connector").(map[string]any); ok {
			delete(ways, "embedded") // the default of some programs
		}
		s.set(o.IPFS, "ipfs_connector", "ipfshttp", "node_multiaddress")
	}
	if o.PinTimeout != 0 {
		s.set(o.PinTimeout.String(), "ipfs_connector", "ipfshttp", "pin_timeout")
	}
	if o.Secret != "" {
		s.set(o.Secret, "cluster", "secret")
	}
	if o.BatchSize != 0 || o.BatchAge != 0 {
		s.set(o.BatchSize, "consensus", "crdt", "batching", "max_batch_size")
		s.set(o.BatchAge.String(), "consensus", "crdt", "batching", "max_batch_age")
	}
	if o.Rebroadcast != 0 {
		s.set(o.Rebroadcast.String(), "consensus", "crdt", "rebroadcast_interval")
	}
	for _, one := range o.Set {
		s.set(one.Value, one.Path...)
	}
}

// onHost returns a value with every address of all networks, and of loopback,
// replaced by one address.
func onHost(v any, host string) any {
	switch v := v.(type) {
	case string:
		for _, any := range []string{"/ip4/0.0.0.0/", "/ip4/127.0.0.1/"} {
			v = strings.Replace(v, any, "/ip4/"+host+"/", 1)
		}
		return strings.Replace(v, "/ip6/::/", "/ip6/::1/", 1)
	case []any:
		for i := range v {
			v[i] = onHost(v[i], host)
		}
	case map[string]any:
		for key := range v {
			v[key] = onHost(v[key], host)
		}
	}
	return v
}

// endpoint reads the first address and the first user of an API's section.
func (s *settings) endpoint(section string) (Endpoint, error) {
	addresses := words(s.get("api", section, "http_listen_multiaddress"))
	if len(addresses) == 0 {
		return Endpoint{}, fmt.Errorf("%s: api.%s listens nowhere", s.file, section)
	}
	a, err := multiaddr.NewMultiaddr(addresses[0])
	if err != nil {
		return Endpoint{}, fmt.Errorf("%s: api.%s: %w", s.file, section, err)
	}
	_, host, err := manet.DialArgs(a)
	if err != nil {
		return Endpoint{}, fmt.Errorf("%s: api.%s: %w", s.file, section, err)
	}
	e := Endpoint{URL: "http://" + host}
	users, _ := s.get("api", section, "basic_auth_credentials").(map[string]any)
	for _, user := range slices.Sorted(maps.Keys(users)) {
		e.User = user
		e.Password, _ = users[user].(string)
		break
	}
	return e, nil
}

// words reads a string, or an array of strings, as the sections allow both.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, w := range v {
			if w, ok := w.(string); ok {
				out = append(out, w)
			}
		}
		return out
	}
	return nil
}
