package pinsvcapi

import (
	_ "embed" // the pages
	"html/template"
	"net/http"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/webpage"
)

var (
	//go:embed front.html
	frontSource string
	// reference is openapi.yaml for people, written by tools/apidoc.
	//
	//go:embed api.html
	reference []byte

	frontPage = template.Must(webpage.Parse(frontSource))
)

// front is the data of the front page. It has nothing that a stranger could not find
// out without it.
type front struct {
	// Endpoint is the URL that the page was requested at.
	Endpoint string
	// Open reports whether the API needs no credentials.
	Open bool
	// Console is the relative address of the console, empty when there is none.
	Console string
}

// pageRoutes are the routes of pages for browsers.
func pageRoutes() []common.Route {
	return []common.Route{
		webpage.Front(frontPage, func(r *http.Request) any {
			return front{Endpoint: webpage.Address(r, "https://HOST"), Open: common.IsOpen(r)}
		}),
		webpage.Static("/api.html", "text/html; charset=utf-8", reference),
		webpage.Icon(),
	}
}
