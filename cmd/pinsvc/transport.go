package main

import "net/http"

// idleIPFS is the number of idle connections to one host that are kept. The
// library's IPFS connector uses Go's default transport, which keeps two, while
// ten pin workers and the lookups of the tracker use it concurrently: it opened
// a new connection for most requests.
const idleIPFS = 64

// keepConnections raises the limit of idle connections of Go's default
// transport. It must be called before the first request.
func keepConnections() {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.MaxIdleConnsPerHost = idleIPFS
	}
}
