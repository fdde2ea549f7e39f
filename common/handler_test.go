package common

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"

	"github.com/ipfs-cluster/pinsvc/config"
)

func TestRoutes(t *testing.T) {
	h := newTestHandler(t, nil)
	tests := map[string]struct {
		request request
		status  int
		body    string
	}{
		"a value":            {request{method: "GET", path: "/items"}, 200, `{"html":"<&>"}` + "\n"},
		"a query":            {request{method: "GET", path: "/items?a=b"}, 200, `{"html":"<&>"}` + "\n"},
		"a trailing slash":   {request{method: "GET", path: "/items/"}, 200, `{"html":"<&>"}` + "\n"},
		"a double slash":     {request{method: "GET", path: "//items"}, 200, `{"html":"<&>"}` + "\n"},
		"slashes everywhere": {request{method: "POST", path: "///items///?a=b", body: "text"}, 202, `"text"` + "\n"},
		"slash and variable": {request{method: "DELETE", path: "//items//1"}, 202, ""},
		"needless escapes":   {request{method: "GET", path: "/%69tem%73"}, 200, `{"html":"<&>"}` + "\n"},
		"escaped variable":   {request{method: "GET", path: "/items/%41%2d%2F%2f"}, 200, `"A-//"` + "\n"},
		"slashes, escapes":   {request{method: "GET", path: "//%6fpen/"}, 200, `"open"` + "\n"},
		"HEAD":               {request{method: "HEAD", path: "/items"}, 200, ""},
		"HEAD of open":       {request{method: "HEAD", path: "/open"}, 200, ""},
		"POST":               {request{method: "POST", path: "/items/", body: "text"}, 202, `"text"` + "\n"},
		"no body":            {request{method: "DELETE", path: "/items/1"}, 202, ""},
		"a variable":         {request{method: "GET", path: "/items/a"}, 200, `"a"` + "\n"},
		"variable and slash": {request{method: "GET", path: "/items/a/"}, 200, `"a"` + "\n"},
		"encoded slashes":    {request{method: "GET", path: "/items/%2Fa%2Fb%2F"}, 200, `"/a/b/"` + "\n"},
		"all of that":        {request{method: "GET", path: "/items/%2Fa%2F/"}, 200, `"/a/"` + "\n"},
		"encoded twice":      {request{method: "GET", path: "/items/%252F"}, 200, `"%2F"` + "\n"},
		"dots":               {request{method: "GET", path: "/items/.."}, 200, `".."` + "\n"},
		"a plus":             {request{method: "GET", path: "/items/a+b%20c"}, 200, `"a+b c"` + "\n"},
		"open":               {request{method: "GET", path: "/open"}, 200, `"open"` + "\n"},
		"health":             {request{method: "GET", path: "/health"}, 204, ""},
		"health with slash":  {request{method: "GET", path: "/health/"}, 204, ""},
		"health, two":        {request{method: "GET", path: "//health"}, 204, ""},
		"nobody":             {request{method: "GET", path: "/whoami"}, 200, `["","",false]` + "\n"},
		"a stream":           {request{method: "POST", path: "/stream", body: "abc"}, 200, "abc"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := test.request.send(h)
			require.Equal(t, test.status, w.Code, w.Body.String())
			require.Equal(t, test.body, w.Body.String())
			if test.body != "" && test.request.path != "/stream" {
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))
				require.Equal(t, len(test.body), int(w.Result().ContentLength))
			}
			require.Empty(t, w.Header().Get("Location"))
		})
	}
}

func TestFailures(t *testing.T) {
	h := newTestHandler(t, func(cfg *Config) { cfg.WriteTimeout = config.Duration(time.Millisecond) })
	tests := map[string]struct {
		request request
		status  int
		why     string
		header  []string // names and values in turn
	}{
		"a known error":     {request{method: "GET", path: "/known"}, 409, "KNOWN", []string{"X-Known", "yes"}},
		"an unknown error":  {request{method: "GET", path: "/unknown"}, 500, "ODD", nil},
		"a panic":           {request{method: "GET", path: "/panic"}, 500, ReasonInternal, nil},
		"not encodable":     {request{method: "GET", path: "/cannotencode"}, 500, ReasonInternal, nil},
		"too slow":          {request{method: "GET", path: "/slow"}, 503, ReasonUnavailable, []string{"Retry-After", "5"}},
		"a stream that can": {request{method: "GET", path: "/streamfails"}, 409, "KNOWN", []string{"X-Known", "yes"}},
		"no such route":     {request{method: "GET", path: "/nothing"}, 404, ReasonNotFound, nil},
		"not cleaned":       {request{method: "GET", path: "/./items"}, 404, ReasonNotFound, nil},
		"an encoded slash":  {request{method: "GET", path: "/%2Fitems"}, 404, ReasonNotFound, nil},
		"an escaped escape": {request{method: "GET", path: "/%2569tems"}, 404, ReasonNotFound, nil},
		"root":              {request{method: "GET", path: "/"}, 404, ReasonNotFound, nil},
		"method":            {request{method: "PUT", path: "/items"}, 405, ReasonMethodNotAllowed, []string{"Allow", "GET, HEAD, POST"}},
		"method, variable":  {request{method: "POST", path: "/items/1"}, 405, ReasonMethodNotAllowed, []string{"Allow", "DELETE, GET, HEAD"}},
		"method, slash":     {request{method: "DELETE", path: "/items/"}, 405, ReasonMethodNotAllowed, []string{"Allow", "GET, HEAD, POST"}},
		"no preflight":      {request{method: "OPTIONS", path: "/items"}, 405, ReasonMethodNotAllowed, []string{"Allow", "GET, HEAD, POST"}},
		"GET of token":      {request{method: "GET", path: "/token"}, 405, ReasonMethodNotAllowed, []string{"Allow", "POST"}},
		"POST of health":    {request{method: "POST", path: "/health"}, 405, ReasonMethodNotAllowed, []string{"Allow", "GET, HEAD"}},
		"token when open":   {request{method: "POST", path: "/token"}, 403, ReasonForbidden, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := test.request.send(h)
			require.Equal(t, test.status, w.Code, w.Body.String())
			require.Equal(t, test.why, why(t, w))
			require.NotContains(t, w.Body.String(), "private")
			for i := 0; i < len(test.header); i += 2 {
				require.Equal(t, test.header[i+1], w.Header().Get(test.header[i]))
			}
		})
	}
}

func TestFailureHasNoBodyForHEAD(t *testing.T) {
	w := request{method: "HEAD", path: "/known"}.send(newTestHandler(t, nil))
	require.Equal(t, 409, w.Code)
	require.Empty(t, w.Body.String())
	require.NotEqual(t, "0", w.Header().Get("Content-Length"))
}

func TestPanicAfterTheAnswerBegan(t *testing.T) {
	server := httptest.NewServer(newTestHandler(t, nil))
	defer server.Close()
	for _, path := range []string{"/streampanics", "/streamfailslate", "/abort"} {
		res, err := http.Get(server.URL + path)
		if err == nil { // the beginning may have been sent
			_, err = res.Body.Read(make([]byte, 100))
			res.Body.Close()
		}
		require.Error(t, err, "the client sees that something is missing")
	}
}

func TestPathVarMalformed(t *testing.T) {
	// The server refuses such a request line, so it has to be made by hand.
	r := mux.SetURLVars(&http.Request{URL: &url.URL{}}, map[string]string{"id": "%zz"})
	_, err := PathVar(r, "id")
	var f *Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, 400, f.Status)
	require.Contains(t, f.Details, "id: ")
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	h := newTestHandler(t, func(cfg *Config) {
		cfg.Headers = map[string][]string{"x-many": {"1", "2"}, "Cache-Control": {"private"}}
		cfg.BasicAuthCredentials = auth.Users{"alice": "secret"}
	})
	auth := []string{"Authorization", basic("alice", "secret")}
	for _, req := range []request{
		{method: "GET", path: "/items", header: auth},
		{method: "GET", path: "/known", header: auth},
		{method: "GET", path: "/panic", header: auth},
		{method: "GET", path: "/nothing", header: auth},
		{method: "PUT", path: "/items", header: auth},
		{method: "POST", path: "/stream", header: auth},
		{method: "GET", path: "/items"},
		{method: "GET", path: "/health"},
		{method: "OPTIONS", path: "/items", header: []string{"Origin", "https://a", "Access-Control-Request-Method", "GET"}},
	} {
		w := req.send(h)
		require.Equal(t, []string{"1", "2"}, w.Header().Values("X-Many"), "%v", req)
		require.Equal(t, []string{"private"}, w.Header().Values("Cache-Control"), "%v", req)
		require.Equal(t, []string{"nosniff"}, w.Header().Values("X-Content-Type-Options"), "%v", req)
	}
}

func TestComponentsRoutesComeFirst(t *testing.T) {
	api := fakeAPI()
	api.Routes = append(api.Routes, Route{Method: "GET", Path: "/health", Status: 200, Open: true,
		Handle: func(*http.Request) (any, error) { return "well", nil }})
	h, err := NewHandler(DefaultConfig(), auth.NewCredentials(map[string]string{}), api)
	require.NoError(t, err)
	w := request{method: "GET", path: "/health"}.send(h)
	require.Equal(t, 200, w.Code)
	require.Equal(t, `"well"`+"\n", w.Body.String())
}

func TestNewHandlerMistakes(t *testing.T) {
	handle := func(*http.Request) (any, error) { return nil, nil }
	stream := func(http.ResponseWriter, *http.Request) error { return nil }
	for name, test := range map[string]struct {
		route Route
		want  string
	}{
		"nothing":     {Route{Method: "GET", Path: "/x", Status: 200}, "needs either Handle or Stream"},
		"both":        {Route{Method: "GET", Path: "/x", Status: 200, Handle: handle, Stream: stream}, "needs either Handle or Stream"},
		"no status":   {Route{Method: "GET", Path: "/x", Handle: handle}, "0 is not the status of a success"},
		"method":      {Route{Method: "get", Path: "/x", Status: 200, Handle: handle}, "upper case"},
		"slash":       {Route{Method: "GET", Path: "/x/", Status: 200, Handle: handle}, "must not end with a slash"},
		"open":        {Route{Method: "GET", Path: "/{x}", Status: 200, Open: true, Handle: handle}, "cannot have variables"},
		"no template": {Route{Method: "GET", Path: "/{x", Status: 200, Handle: handle}, "GET /{x"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewHandler(DefaultConfig(), auth.NewCredentials(nil), API{Name: "fakeapi", Routes: []Route{test.route}})
			require.ErrorContains(t, err, "fakeapi")
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err := NewHandler(DefaultConfig(), nil, fakeAPI())
	require.ErrorContains(t, err, "credentials", "forgotten credentials are not open ones")
}

func TestFailureError(t *testing.T) {
	f := &Failure{Status: 404, Reason: "NOT_FOUND", Details: "gone", Cause: context.Canceled}
	require.EqualError(t, f, "404 NOT_FOUND: gone: context canceled")
	require.ErrorIs(t, f, context.Canceled)
}

func TestFailureOf(t *testing.T) {
	h := newTestHandler(t, nil)
	own := &Failure{Status: 418, Reason: "TEAPOT"}
	require.Same(t, own, h.failureOf(own), "a failure is taken as it is")
	h.api.Failure = func(error) *Failure { return nil }
	require.Equal(t, 500, h.failureOf(errKnown).Status)
	require.Equal(t, 500, h.failureOf(&Failure{Reason: "no status"}).Status)
	require.Equal(t, 503, h.failureOf(context.DeadlineExceeded).Status)
}
