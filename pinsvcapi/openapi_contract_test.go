package pinsvcapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
)

// contract is the document of this API, ready to judge requests and answers.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

var theContract = sync.OnceValues(func() (contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapi)
	if err != nil {
		return contract{}, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return contract{}, err
	}
	router, err := gorillamux.NewRouter(doc)
	return contract{doc, router}, err
})

// leadingZeros matches those of a limit. The API reads 08 as 8, and the validator
// does not take it for a number.
var leadingZeros = regexp.MustCompile(`\blimit=(\+|%2B)?0+([0-9])`)

func withoutZeros(target string) string { return leadingZeros.ReplaceAllString(target, "limit=$2") }

// checkContract holds an answer against openapi.yaml, and the request, too,
// unless it was refused.
func checkContract(t tester, method, target, body string, rec *httptest.ResponseRecorder) {
	t.Helper()
	c, err := theContract()
	require.NoError(t, err)
	req := documented(method, withoutZeros(target), body)
	route, vars, err := c.router.FindRoute(req)
	if req.URL.Path == "/" && rec.Code == http.StatusNotFound {
		err = routers.ErrPathNotFound // the page is for requests that ask for HTML
	}
	if err != nil {
		checkNoRoute(t, c.doc, err, rec)
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: vars, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus: true,
			SkipSettingDefaults:   true,
		},
	}
	err = openapi3filter.ValidateRequest(context.Background(), input)
	switch rec.Code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge: // it may be wrong
	case http.StatusUnauthorized, http.StatusServiceUnavailable: // it was not looked at
	default:
		require.NoError(t, err, "the document does not allow what was accepted: %s %s %s", method, target, body)
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: rec.Code, Header: rec.Header(), Options: input.Options,
	}
	yamlIsText()
	answer.SetBodyBytes(rec.Body.Bytes())
	req.Method = method // of HEAD there is no body to judge
	require.NoError(t, openapi3filter.ValidateResponse(context.Background(), answer), "%s %s: %d", method, target, rec.Code)
	described := route.Operation.Responses.Status(rec.Code).Value
	hasBody := len(described.Content) > 0 && method != http.MethodHead
	require.Equal(t, hasBody, rec.Body.Len() > 0, "a body where one is described: %s %s", method, target)
}

// checkNoRoute judges the answers that no operation can list.
func checkNoRoute(t tester, doc *openapi3.T, err error, rec *httptest.ResponseRecorder) {
	t.Helper()
	switch err {
	case routers.ErrPathNotFound:
		require.Equal(t, http.StatusNotFound, rec.Code)
	case routers.ErrMethodNotAllowed:
		require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
		require.NotEmpty(t, rec.Header().Get("Allow"))
	default:
		require.NoError(t, err)
	}
	require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	var failure any
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &failure))
	require.NoError(t, doc.Components.Schemas["Failure"].Value.VisitJSON(failure, openapi3.VisitAsResponse()))
}

// documented returns the request in the form that OpenAPI can describe: the
// document says the rest in words ("What is true of every route").
func documented(method, target, body string) *http.Request {
	path, query, _ := strings.Cut(target, "?")
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	values, err := url.ParseQuery(query)
	if err == nil {
		query = documentedQuery(values).Encode()
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.URL.RawQuery = query
	req.Header.Set("Content-Type", "application/json")
	return req
}

// documentedQuery adds up repeated lists, takes the first of other values, and
// drops what is empty.
func documentedQuery(values url.Values) url.Values {
	out := make(url.Values)
	for param, all := range values {
		empty := func(s string) bool { return s == "" }
		switch param {
		case "cid", "status":
			all = slices.DeleteFunc(strings.Split(strings.Join(all, ","), ","), empty)
			if len(all) > 0 {
				out.Set(param, strings.Join(all, ","))
			}
			continue
		case "before", "after": // a plus that was not escaped, letters in lower case
			for i, v := range all {
				all[i] = strings.ToUpper(strings.ReplaceAll(v, " ", "+"))
			}
		}
		if all = slices.DeleteFunc(all, empty); len(all) > 0 {
			out.Set(param, all[0])
		}
	}
	return out
}

// yamlIsText keeps the validator from decoding the documents that are served: they
// are strings of bytes for their readers.
var yamlIsText = sync.OnceFunc(func() {
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("image/svg+xml", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
})
