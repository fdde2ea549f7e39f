package pinsvcapi

import (
	_ "embed" // the document
	"net/http"
	"strconv"

	"github.com/ipfs-cluster/pinsvc/common"
)

// openapi describes this API, for people and for programs (OpenAPI 3.0). The
// tests hold it against the code and against every answer.
//
//go:embed openapi.yaml
var openapi []byte

// openapiRoute serves the document to everybody: it says nothing about the
// peer.
func openapiRoute() common.Route {
	return common.Route{Method: http.MethodGet, Path: "/openapi.yaml", Open: true, Stream: getOpenAPI}
}

func getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	w.Header().Set("Content-Length", strconv.Itoa(len(openapi)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(openapi) // a client that is gone does not want to know
	}
	return nil
}
