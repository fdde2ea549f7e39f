// Package webpage serves the few pages for people that an API has: a front page, a
// reference and an icon. They are static but for the address at which they were
// asked for, and need nothing from elsewhere: no scripts, one style in the page,
// which their Content-Security-Policy names by its hash.
//
// layout.html is the frame of every page, style.css its style. An API gives the
// template "main" (Parse) and gets routes for its table (Front, Static, Icon).
package webpage

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the parts of a page
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/ipfs-cluster/pinsvc/common"
)

var (
	//go:embed layout.html
	layout string
	//go:embed style.css
	style string
	//go:embed icon.svg
	icon []byte
)

// Policy is the Content-Security-Policy of every page.
func Policy() string {
	hash := sha256.Sum256([]byte(style))
	return "default-src 'none'; img-src 'self'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// Parse returns the template of a page. Its source defines "title", "about" (one
// sentence for search results) and "main", the content.
func Parse(source string) (*template.Template, error) {
	t := template.New("page").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(style) }})
	if _, err := t.Parse(layout); err != nil {
		return nil, err
	}
	return t.Parse(source)
}

// Write writes a whole page.
func Write(w io.Writer, t *template.Template, data any) error { return t.Execute(w, data) }

// Front returns the route of the front page: GET / of whoever prefers HTML. The
// function returns the data of the template for a request.
func Front(t *template.Template, data func(*http.Request) any) common.Route {
	return common.Route{Method: http.MethodGet, Path: "/", Open: true, HTML: true,
		Stream: func(w http.ResponseWriter, r *http.Request) error {
			var body bytes.Buffer
			if err := Write(&body, t, data(r)); err != nil {
				return err
			}
			// It has the address that this request was sent to: not for caches.
			secure(w.Header())
			serve(w, r, "text/html; charset=utf-8", body.Bytes())
			return nil
		}}
}

// Static returns the route of a document that does not change while the program
// runs. It says nothing of the peer, and is open to everybody.
func Static(path, kind string, body []byte) common.Route {
	hash := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(hash[:12]) + `"`
	return common.Route{Method: http.MethodGet, Path: path, Open: true,
		Stream: func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Cache-Control", "no-cache") // kept, but asked for again
			w.Header().Set("ETag", tag)
			secure(w.Header())
			serve(w, r, kind, body)
			return nil
		}}
}

// Icon returns the route of the icon that browsers ask for.
func Icon() common.Route { return Static("/favicon.ico", "image/svg+xml", icon) }

// secure sets the headers that keep a page from doing more than being read.
func secure(header http.Header) {
	header.Set("Content-Security-Policy", Policy())
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
}

func serve(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// Address returns the address that the page was asked for, for commands that are
// shown on it, or a placeholder when it is not known.
func Address(r *http.Request, placeholder string) string {
	if address := common.AddressOf(r); address != nil {
		return address.String()
	}
	return placeholder
}
