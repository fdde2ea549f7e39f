package common

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// ownRoutes are the routes that every API has. They come after the API's, which
// may have its own.
func (h *Handler) ownRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Path: "/token", Status: http.StatusOK, Handle: h.postToken},
		{Method: http.MethodGet, Path: "/health", Status: http.StatusNoContent, Open: true, Handle: getHealth},
		{Method: http.MethodGet, Path: "/ready", Open: true, Stream: h.getReady},
	}
}

// getHealth tells that requests are answered here, and nothing else.
func getHealth(*http.Request) (any, error) { return nil, nil }

// newRouter builds the route table. mux is told not to clean paths, because it
// would redirect, and many clients turn a redirected POST into a GET.
func (h *Handler) newRouter() (http.Handler, error) {
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	h.open = make(map[string]Route)
	var methods []string
	for _, route := range append(slices.Clone(h.api.Routes), h.ownRoutes()...) {
		answered, err := h.addRoute(router, route)
		if err != nil {
			return nil, fmt.Errorf("common: %s: route %s %s: %w", h.api.Name, route.Method, route.Path, err)
		}
		methods = append(methods, answered...)
		if route.Open {
			for _, method := range answered {
				h.open[method+" "+route.Path] = route
			}
		}
	}
	slices.Sort(methods)
	methods = slices.Compact(methods)
	// mux itself takes some wrong methods for unknown paths, depending on the
	// order of the routes.
	missed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, noRoute(allowed(router, r, methods)))
	})
	router.NotFoundHandler, router.MethodNotAllowedHandler = missed, missed
	return oneSpelling(router), nil
}

// addRoute adds one line of the table and returns the methods it answers.
func (h *Handler) addRoute(router *mux.Router, route Route) ([]string, error) {
	if err := checkRoute(route); err != nil {
		return nil, err
	}
	methods := []string{route.Method}
	if route.Method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	handle := h.stream(route)
	if route.Handle != nil {
		handle = h.handle(route)
	}
	noted := func(w http.ResponseWriter, r *http.Request) {
		recordOf(r).route = route.Path
		handle(w, r)
	}
	line := router.Methods(methods...).Path(route.Path)
	if route.HTML {
		line.MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return prefersHTML(r) })
	}
	return methods, line.HandlerFunc(noted).GetError()
}

func checkRoute(route Route) error {
	switch {
	case (route.Handle == nil) == (route.Stream == nil):
		return fmt.Errorf("needs either Handle or Stream")
	case route.Handle != nil && (route.Status < 200 || route.Status > 299):
		return fmt.Errorf("%d is not the status of a success", route.Status)
	case route.Method == "" || route.Method != strings.ToUpper(route.Method):
		return fmt.Errorf("the method must be in upper case")
	case route.Path != "/" && strings.HasSuffix(route.Path, "/"):
		return fmt.Errorf("the path must not end with a slash")
	case route.Open && strings.Contains(route.Path, "{"):
		return fmt.Errorf("an open route cannot have variables")
	case route.HTML && (!route.Open || route.Method != http.MethodGet):
		return fmt.Errorf("a route for HTML is open, and for GET")
	}
	return nil
}

// isOpen tells whether a request is for a route that needs no credentials. It
// is asked before routing, so that without credentials nobody learns which
// routes there are.
func (h *Handler) isOpen(r *http.Request) bool {
	route, is := h.openRoute(r)
	return is && (!route.HTML || prefersHTML(r))
}

// openRoute returns the open route of a method and a path, for whatever a request
// asks.
func (h *Handler) openRoute(r *http.Request) (Route, bool) {
	route, is := h.open[r.Method+" "+canonicalPath(r.URL.EscapedPath())]
	return route, is
}

// handle answers with what a route's function returns. The function gets a
// context that ends before the connection's write deadline, so that there is
// time for a 503.
func (h *Handler) handle(route Route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		base := r
		if route.Slow {
			streamed, done := h.limits.parts(w, r)
			defer done()
			w = streamed
		} else {
			limited, cancel := h.limits.whole(w, r)
			defer cancel()
			r = limited
		}
		value, err := route.Handle(r)
		if err != nil {
			h.fail(w, r, h.failureOf(err))
			return
		}
		if streamed, is := value.(Streamed); is {
			h.respondInParts(w, base, route.Status, streamed)
			return
		}
		h.respond(w, r, route.Status, value)
	}
}

// stream lets a route's function write the answer itself.
func (h *Handler) stream(route Route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w, done := h.limits.parts(w, r)
		defer done()
		if route.Done != nil {
			defer route.Done(w, r)
		}
		switch err := route.Stream(w, r); {
		case err == nil:
		case recordOf(r).begun():
			h.logger.Errorf("%s %s: the answer is not complete: %v", r.Method, r.URL.EscapedPath(), err)
			panic(http.ErrAbortHandler) // or the client would take it for the whole
		default:
			h.fail(w, r, h.failureOf(err))
		}
	}
}

// noRoute is the answer to a path that exists only with other methods, or not
// at all.
func noRoute(allow []string) *Failure {
	if len(allow) == 0 {
		return &Failure{Status: http.StatusNotFound, Reason: ReasonNotFound, Details: "there is no such route"}
	}
	methods := strings.Join(allow, ", ")
	return &Failure{
		Status:  http.StatusMethodNotAllowed,
		Reason:  ReasonMethodNotAllowed,
		Details: "the methods of this route are " + methods,
		Header:  http.Header{"Allow": {methods}}, // RFC 9110, section 15.5.6
	}
}

// allowed returns the methods that the path of a request answers.
func allowed(router *mux.Router, r *http.Request, methods []string) []string {
	var allow []string
	for _, method := range methods {
		probe := *r
		probe.Method = method
		var match mux.RouteMatch
		if router.Match(&probe, &match) && match.MatchErr == nil {
			allow = append(allow, method)
		}
	}
	return allow
}

// PathVar returns a variable of the route's path, decoded. A variable that is
// not correctly encoded is a *Failure with status 400.
func PathVar(r *http.Request, name string) (string, error) {
	value, err := url.PathUnescape(mux.Vars(r)[name])
	if err != nil {
		return "", badRequest("%s: is not correctly percent-encoded", name)
	}
	return value, nil
}
