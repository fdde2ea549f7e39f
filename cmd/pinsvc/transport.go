package main

import "net/http"

// idleIPFS is how many idle connections to one host are kept. The library's
// IPFS connector asks with Go's default transport, which keeps two, while ten
// pin workers and the trackers' questions come at once: it dialled for most of
// its requests.
const idleIPFS = 64

// keepConnections lets the process reuse its connections. It must be called
// before anything asks over HTTP.
func keepConnections() {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.MaxIdleConnsPerHost = idleIPFS
	}
}
