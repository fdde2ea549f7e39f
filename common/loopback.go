package common

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/rs/cors"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// An address on loopback without credentials is open to every program of the
// machine, and a browser is one of them: a web page can make it send requests
// to 127.0.0.1, and can make its own host name resolve to it (DNS rebinding),
// after which the browser takes both for one origin. The rules of this file are
// for such addresses only.

type loopbackKey struct{}

// withLoopback marks the requests of a listener that is bound to loopback.
func withLoopback(ctx context.Context) context.Context {
	return context.WithValue(ctx, loopbackKey{}, true)
}

// isLocal tells whether a request came to an address on loopback for which no
// credentials are needed.
func (h *Handler) isLocal(r *http.Request) bool {
	on, _ := r.Context().Value(loopbackKey{}).(bool)
	return on && h.auth.Open()
}

// hostNames are the names that requests to an open address on loopback may be
// for, in lower case; "*" stands for any.
type hostNames map[string]bool

// hostNames returns the configured names, in allowed_hosts and in addresses to
// listen on.
func (c *Config) hostNames() hostNames {
	names := make(hostNames)
	for _, name := range c.AllowedHosts {
		names[strings.ToLower(name)] = true
	}
	for _, addr := range c.HTTPListenMultiaddress {
		if e, err := listen.ParseEndpoint(addr); err == nil && !e.IsUnix() {
			host, _, _ := net.SplitHostPort(e.Address)
			names[strings.ToLower(host)] = true
		}
	}
	return names
}

// allow tells whether a Host header is an IP address, localhost or a configured
// name. Programs that speak HTTP/1.0 may send none, browsers never do.
func (n hostNames) allow(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "" || host == "localhost" || n[host] || n["*"] {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// guardHost refuses requests for other names than those of this machine.
func (h *Handler) guardHost(cfg *Config, next http.Handler) http.Handler {
	names := cfg.hostNames()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.isLocal(r) && !names.allow(r.Host) {
			h.fail(w, r, forbidden(fmt.Sprintf(
				"requests for the host %.100q are not answered without credentials: use an IP address or localhost, or see allowed_hosts", r.Host)))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// GuardOpen puts the rules for open addresses on loopback before the handler of
// somebody else, which asks for no credentials. They hold for every method: some
// handlers change something by GET. The server's listeners come from listen.Limit, and
// its hooks are ConnContext and listen.ConnState. Of cfg it uses allowed_hosts,
// cors_allowed_origins and http_listen_multiaddress.
func GuardOpen(cfg Config, next http.Handler) http.Handler {
	names, named := cfg.hostNames(), namedOrigins(&cfg)
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if on, _ := r.Context().Value(loopbackKey{}).(bool); on {
			asWrite := *r
			asWrite.Method = http.MethodPost
			switch {
			case !names.allow(r.Host):
				http.Error(w, "requests for this host are not answered: use an IP address or localhost, or see allowed_hosts", http.StatusForbidden)
				return
			case protection.Check(&asWrite) != nil && (named == nil || !named.OriginAllowed(r)):
				http.Error(w, "pages of another origin may not do this: see cors_allowed_origins", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// namedOrigins returns the rules without "*", or nil when no origin is named.
func namedOrigins(cfg *Config) *cors.Cors {
	options := corsOptions(cfg)
	options.AllowedOrigins = slices.DeleteFunc(slices.Clone(options.AllowedOrigins), func(o string) bool { return o == "*" })
	if len(options.AllowedOrigins) == 0 {
		return nil
	}
	return cors.New(options)
}

// checkHostName returns what is wrong with an entry of allowed_hosts.
func checkHostName(name string) error {
	if name == "*" {
		return nil
	}
	if name == "" || strings.ContainsAny(name, "/:* ") {
		return fmt.Errorf(`%q is not a host name such as "pins.example.com", without scheme and port`, name)
	}
	return nil
}
