package restapi

import (
	_ "embed" // the page
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/webpage"
)

var (
	//go:embed front.html
	frontSource string

	frontPage = template.Must(webpage.Parse(frontSource))
)

// front is the data of the front page. It has nothing that a stranger could not find
// out without it.
type front struct {
	// Endpoint is the URL that the page was requested at.
	Endpoint string
	// Options are those of ipfs-cluster-ctl for this address.
	Options string
	// Open reports whether the API needs no credentials.
	Open bool
}

// pageRoutes are the routes of pages for browsers.
func pageRoutes() []common.Route {
	return []common.Route{
		webpage.Front(frontPage, func(r *http.Request) any {
			open := common.IsOpen(r)
			return front{
				Endpoint: webpage.Address(r, "https://HOST"),
				Options:  ctlOptions(common.AddressOf(r), open),
				Open:     open,
			}
		}),
		webpage.Icon(),
	}
}

// ctlOptions returns the global options of ipfs-cluster-ctl for an address. It takes a
// multiaddress, so a path is lost. Nil stands for an unknown address.
func ctlOptions(address *url.URL, open bool) string {
	if address == nil {
		address = &url.URL{Scheme: "https", Host: "HOST"}
	}
	host, port := address.Hostname(), address.Port()
	secure := address.Scheme == "https"
	if port == "" {
		port = "80"
		if secure {
			port = "443"
		}
	}
	network := "dns4"
	if ip, err := netip.ParseAddr(host); err == nil {
		network = "ip6"
		if ip.Unmap().Is4() {
			network = "ip4"
		}
	} else if host == "localhost" {
		network, host = "ip4", net.IPv4(127, 0, 0, 1).String()
	}
	options := " --host /" + network + "/" + host + "/tcp/" + port
	switch {
	case secure:
		options += " --https"
	case !open:
		options += " --force-http"
	}
	if !open {
		options += " --basic-auth NAME:PASSWORD"
	}
	return options
}
