package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// loadService reads the section api.pinsvcapi of a folder. A daemon may be
// running on the folder.
func loadService(folder string) (pinsvcapi.Config, error) {
	s, err := settings.Load(folder, true)
	if err != nil {
		return pinsvcapi.Config{}, err
	}
	defer s.Close()
	cfg, enabled := s.PinningService()
	if !enabled {
		return cfg, fmt.Errorf("%s has no section api.pinsvcapi: there is no pinning service", folder)
	}
	return cfg, nil
}

// chooseUser returns the named user, or the only one. With several users an
// arbitrary choice would give away the rights of the wrong one, so it is an
// error that lists them.
func chooseUser(users auth.Users, name string) (string, error) {
	const key = "api.pinsvcapi.basic_auth_credentials"
	names := slices.Sorted(maps.Keys(users))
	switch {
	case users == nil:
		return "", errors.New(key + " is not set: everybody may enter, without a token")
	case len(names) == 0:
		return "", errors.New(key + " has no user: nobody may enter")
	case name == "" && len(names) == 1:
		return names[0], nil
	case name == "":
		return "", fmt.Errorf("several users, choose one with --user: %s", strings.Join(names, ", "))
	case !slices.Contains(names, name):
		return "", fmt.Errorf("no user %q in %s, only %s", name, key, strings.Join(names, ", "))
	}
	return name, nil
}

// endpoint returns the URL of the service for clients on this machine: the
// first TCP address that is configured. It returns an error when the port is
// only known to the running daemon, or when the API is reachable by other
// transports only, since Kubo speaks HTTP over TCP.
func endpoint(cfg pinsvcapi.Config) (string, error) {
	const key = "api.pinsvcapi.http_listen_multiaddress"
	for _, a := range cfg.HTTPListenMultiaddress {
		network, address, err := manet.DialArgs(a)
		if err != nil || !strings.HasPrefix(network, "tcp") {
			continue
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		if port == "0" {
			return "", errors.New(key + " leaves the port to the system: the daemon prints it when it is ready")
		}
		scheme := "http"
		if cfg.SSLCertFile != "" {
			scheme = "https"
		}
		return scheme + "://" + net.JoinHostPort(dialable(host), port), nil
	}
	return "", errors.New(key + " has no TCP address that Kubo could use")
}

// dialable replaces the unspecified address (0.0.0.0, ::), which can be
// listened on but not dialled portably, by the loopback address of the same
// family.
func dialable(host string) string {
	ip := net.ParseIP(host)
	switch {
	case ip == nil || !ip.IsUnspecified():
		return host
	case ip.To4() != nil:
		return "127.0.0.1"
	}
	return "::1"
}

// serviceName matches the names that Kubo accepts for a remote service and that
// a shell takes as one word. The printed command is piped into a shell, so
// nothing else is let through.
var serviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// kuboLine returns the command that adds the service to a Kubo, under a name
// that the user has chosen.
func kuboLine(cfg pinsvcapi.Config, name, token string) (string, error) {
	if !serviceName.MatchString(name) {
		return "", fmt.Errorf("%q cannot be the name of a service: use letters, digits, '.', '_' and '-'", name)
	}
	url, err := endpoint(cfg)
	if err != nil {
		return "", err
	}
	return addLine(name, url, token), nil
}

// addLine formats that command. The name has been validated; the URL and the
// token are ours.
func addLine(name, url, token string) string {
	return fmt.Sprintf("ipfs pin remote service add %s %s %s", name, url, token)
}

// issue returns a token for a user of the section. With expiresIn 0 it is valid
// until the user's entry changes.
func issue(cfg pinsvcapi.Config, user string, expiresIn time.Duration) (string, error) {
	return auth.IssueToken(user, cfg.BasicAuthCredentials[user], expiresIn)
}
