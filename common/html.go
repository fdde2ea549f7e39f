package common

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// prefersHTML reports whether a request asks for HTML rather than for JSON, as
// the address bar of a browser does (RFC 9110, section 12.5.1): Accept names
// text/html, and nothing that stands for JSON weighs more. Of two equal weights
// a wildcard loses, and application/json wins. Without Accept, and for "*/*", the
// answer is JSON.
func prefersHTML(r *http.Request) bool {
	var html, json, any float64
	named := false
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, is := params["q"]; is {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		switch kind {
		case "text/html":
			html = max(html, weight)
		case "application/json":
			named, json = true, max(json, weight)
		case "*/*", "application/*":
			any = max(any, weight)
		}
	}
	if named {
		return html > json
	}
	return html > 0 && html >= any
}

var (
	hostPattern   = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z](?:[0-9A-Za-z._-]{0,252}))(:[0-9]{1,5})?$`)
	prefixPattern = regexp.MustCompile(`^(/[0-9A-Za-z._~-]+)+$`)
)

// AddressOf returns the URL at which the sender of a request reaches this API,
// without a slash at its end, to be shown to people. Behind one of
// trusted_proxies it is https, unless X-Forwarded-Proto says http, and the path is
// that of X-Forwarded-Prefix; these headers of other senders are ignored. It is nil
// when the request has no proper host name. It consists of characters that mean
// nothing to a shell, but for the brackets of IPv6.
func AddressOf(r *http.Request) *url.URL {
	if !hostPattern.MatchString(r.Host) {
		return nil
	}
	address := &url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil || knownToBeSecure(r) {
		address.Scheme = "https"
	}
	rec := recordOf(r)
	if !rec.handler.behind.trusts(connectionOf(r)) {
		return address
	}
	proto := r.Header.Get("X-Forwarded-Proto")
	if proto == "https" || proto != "http" && r.Header.Get("X-Forwarded-For") != "" {
		address.Scheme = "https"
	}
	if prefix := strings.TrimSuffix(r.Header.Get("X-Forwarded-Prefix"), "/"); prefixPattern.MatchString(prefix) {
		address.Path = prefix
	}
	return address
}

// knownToBeSecure reports whether a browser reached this server by HTTPS through
// some proxy: browsers send Sec-Fetch-Mode to this machine and over HTTPS only
// (Fetch Metadata, section 2).
func knownToBeSecure(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Mode") == "" {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(strings.ToLower(host), "[]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err != nil || !addr.Unmap().IsLoopback()
}

// IsOpen reports whether the API that a request came to asks for no credentials.
func IsOpen(r *http.Request) bool { return recordOf(r).handler.auth.Open() }
