package pinsvcapi

import (
	_ "embed" // the document
	"net/http"
	"strconv"

	"github.com/ipfs-cluster/pinsvc/common"
)

// openapi is the description of this API (OpenAPI 3.0). Tests compare it with the code
// and with every answer.
//
//go:embed openapi.yaml
var openapi []byte

// openapiRoute serves the document without authentication, as it says nothing about the
// peer.
func openapiRoute() common.Route {
	return common.Route{Method: http.MethodGet, Path: "/openapi.yaml", Open: true, Stream: getOpenAPI}
}

func getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	w.Header().Set("Content-Length", strconv.Itoa(len(openapi)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(openapi) // an error means that the client is gone
	}
	return nil
}
