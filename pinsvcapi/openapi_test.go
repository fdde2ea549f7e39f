package pinsvcapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/internal/failures"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// document returns openapi.yaml, which is valid by itself.
func document(t *testing.T) *openapi3.T {
	t.Helper()
	c, err := theContract()
	require.NoError(t, err)
	return c.doc
}

func TestDocumentIsServedToEverybody(t *testing.T) {
	cfg := DefaultConfig()
	cfg.BasicAuthCredentials = map[string]string{"alice": "secret"}
	ready := make(chan struct{}) // never
	a, err := New(cfg, WithCluster(newFakeCluster()), WithOptions(common.Options{Ready: ready}))
	require.NoError(t, err)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, httptest.NewRequest(method, "/openapi.yaml", nil))
		checkContract(t, method, "/openapi.yaml", "", rec)
		require.Equal(t, http.StatusOK, rec.Code)
		require.Equal(t, "application/yaml", rec.Header().Get("Content-Type"))
		require.Equal(t, strconv.Itoa(len(openapi)), rec.Header().Get("Content-Length"))
		if method == http.MethodGet {
			require.Equal(t, openapi, rec.Body.Bytes())
		}
	}
}

// The document has exactly the routes that the code has, with their success
// statuses and their need for credentials.
func TestDocumentHasTheRoutes(t *testing.T) {
	doc := document(t)
	a := newTestAPI(t)
	type route struct {
		path, method string
	}
	documented := make(map[route]*openapi3.Operation)
	for path, item := range doc.Paths.Map() {
		allow := make(map[string]bool)
		for method, op := range item.Operations() {
			documented[route{path, method}] = op
			allow[method] = true
		}
		if path == "/" { // only for requests that ask for HTML: see front_test.go
			require.Equal(t, map[string]bool{http.MethodGet: true}, allow)
			continue
		}
		// The handler knows which methods a path answers.
		rec := a.record("BREW", strings.ReplaceAll(path, "{requestid}", "x"), "")
		require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
		answers := strings.Split(rec.Header().Get("Allow"), ", ")
		answers = slices.DeleteFunc(answers, func(m string) bool { return m == http.MethodHead })
		require.ElementsMatch(t, slices.Collect(maps.Keys(allow)), answers, path)
	}
	api, err := New(DefaultConfig(), WithCluster(newFakeCluster()))
	require.NoError(t, err)
	for _, r := range api.routes() {
		op := documented[route{r.Path, r.Method}]
		require.NotNil(t, op, "%s %s", r.Method, r.Path)
		require.Equal(t, r.Open, op.Security != nil && len(*op.Security) == 0, "%s %s", r.Method, r.Path)
		if r.Handle != nil {
			require.NotNil(t, op.Responses.Status(r.Status), "%s %s: %d", r.Method, r.Path, r.Status)
		}
		delete(documented, route{r.Path, r.Method})
	}
	// The shared layer's.
	delete(documented, route{"/token", http.MethodPost})
	delete(documented, route{"/health", http.MethodGet})
	delete(documented, route{"/ready", http.MethodGet})
	require.Empty(t, documented, "documented, but not in the code")
}

// Every parameter that the code reads is documented, and the other way round.
func TestDocumentHasTheParameters(t *testing.T) {
	var documented []string
	for _, p := range document(t).Paths.Find("/pins").Get.Parameters {
		documented = append(documented, p.Value.Name)
		require.False(t, p.Value.Required, p.Value.Name)
		require.True(t, p.Value.AllowEmptyValue, p.Value.Name)
	}
	require.ElementsMatch(t, parametersRead(t), documented)

	// A wrong value of each is refused and named.
	wrong := map[string]string{
		"cid": "x", "name": strings.Repeat("x", maxName+1), "match": "x", "status": "x",
		"before": "x", "after": "x", "limit": "x", "meta": "x",
	}
	a := newTestAPI(t)
	for _, name := range documented {
		require.NotEmpty(t, wrong[name], name)
		code, body := a.do(http.MethodGet, "/pins?"+name+"="+wrong[name], "")
		require.Equal(t, http.StatusBadRequest, code)
		require.Contains(t, body, `"details":"`+name+`: `)
	}
}

// parametersRead finds the names in calls like scalar(values, "limit").
func parametersRead(t *testing.T) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "query.go", nil, 0)
	require.NoError(t, err)
	names := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		values, isName := call.Args[0].(*ast.Ident)
		param, isText := call.Args[1].(*ast.BasicLit)
		if isName && values.Name == "values" && isText {
			name, err := strconv.Unquote(param.Value)
			require.NoError(t, err)
			names[name] = true
		}
		return true
	})
	return slices.Collect(maps.Keys(names))
}

// The bounds and words of the document are the code's.
func TestDocumentHasTheBounds(t *testing.T) {
	doc := document(t)
	param := func(name string) *openapi3.Schema {
		key := "filter" + strings.ToUpper(name[:1]) + name[1:]
		if name == "requestid" {
			key = "pathRequestid"
		}
		p := doc.Components.Parameters[key].Value
		if p.Schema != nil {
			return p.Schema.Value
		}
		return p.Content.Get("application/json").Schema.Value
	}
	schema := func(path ...string) *openapi3.Schema {
		s := doc.Components.Schemas[path[0]].Value
		for _, p := range path[1:] {
			s = s.Properties[p].Value
		}
		return s
	}
	bound := func(n uint64) *uint64 { return &n }

	limit := param("limit")
	require.Equal(t, 1.0, *limit.Min)
	require.Equal(t, float64(maxLimit), *limit.Max)
	require.Equal(t, float64(defaultLimit), limit.Default)
	require.Equal(t, bound(maxCIDs), param("cid").MaxItems)
	require.Equal(t, bound(maxCIDText), param("cid").Items.Value.MaxLength)
	require.Nil(t, param("requestid").MaxLength, "anything is a request ID, if only of no pin")
	require.Equal(t, bound(maxName), param("name").MaxLength)
	require.Equal(t, bound(maxMeta), param("meta").MaxProps)
	require.ElementsMatch(t, anys(pinset.Matches), param("match").Enum)
	require.Equal(t, "exact", param("match").Default)

	require.Equal(t, bound(maxCIDText), schema("NewPin", "cid").MaxLength)
	require.Equal(t, bound(maxName), schema("NewPin", "name").MaxLength)
	require.Equal(t, bound(maxMeta), schema("NewPin", "meta").MaxProps)
	require.Equal(t, bound(maxName), schema("Pin", "name").MaxLength)
	require.Equal(t, bound(maxMeta), schema("Pin", "meta").MaxProps)
	require.Equal(t, bound(maxOrigins), schema("Pin", "origins").MaxItems)
	require.Equal(t, bound(maxDelegates), schema("PinStatus", "delegates").MaxItems)
	require.Equal(t, bound(maxLimit), schema("PinResults", "results").MaxItems)
	require.ElementsMatch(t, anys(pinset.Statuses), schema("Status").Enum)
	require.Equal(t, schema("Status"), param("status").Items.Value)
	info := schema("Info").Properties
	require.ElementsMatch(t, []string{infoDetails, infoUntil}, slices.Collect(maps.Keys(info)))

	for _, text := range []string{
		doc.Info.Description, doc.Components.Parameters["filterMeta"].Value.Description,
		schema("NewPin", "meta").Description,
	} {
		require.Contains(t, text, "`"+pinset.ReservedPrefix+"`")
	}
	require.Contains(t, schema("NewPin", "cid").Description, "at least 20 bytes")
	require.Contains(t, schema("NewPin", "origins").Description, "first "+strconv.Itoa(maxOrigins))
	require.Equal(t, int64(1<<20), DefaultConfig().MaxBodyBytes)
	require.Contains(t, doc.Components.RequestBodies["PinBody"].Value.Description, "at most 1 MiB")
}

func anys[T ~string](words []T) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// The fields of the wire types are the document's, and those that are always
// there are required.
func TestDocumentHasTheFields(t *testing.T) {
	schemas := document(t).Components.Schemas
	for name, value := range map[string]any{
		"PinResults": resultsJSON{}, "PinStatus": statusJSON{}, "Pin": pinJSON{},
	} {
		var fields, required []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(value)) {
			field, omit, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, field)
			if omit != "omitempty" {
				required = append(required, field)
			}
		}
		schema := schemas[name].Value
		require.ElementsMatch(t, fields, slices.Collect(maps.Keys(schema.Properties)), name)
		require.ElementsMatch(t, required, schema.Required, name)
	}
}

// Every failure of the code's table is documented where it can happen, with
// its reason, and no other.
func TestDocumentHasTheFailures(t *testing.T) {
	doc := document(t)
	reasons := make(map[int][]any) // by status
	for _, f := range failures.Responses() {
		reasons[f.Status] = append(reasons[f.Status], f.Reason)
	}
	// The shared layer's.
	reasons[http.StatusUnauthorized] = []any{common.ReasonUnauthorized}
	reasons[http.StatusTooManyRequests] = []any{common.ReasonTooManyRequests}
	reasons[http.StatusForbidden] = append(reasons[http.StatusForbidden], common.ReasonForbidden)
	for path, item := range doc.Paths.Map() {
		if path == "/ready" {
			continue // its 503 is an answer
		}
		for method, op := range item.Operations() {
			open := op.Security != nil
			require.Equal(t, !open, op.Responses.Status(http.StatusUnauthorized) != nil, path)
			require.Equal(t, !open, op.Responses.Status(http.StatusTooManyRequests) != nil, path)
			for code, response := range op.Responses.Map() {
				status, err := strconv.Atoi(code)
				require.NoError(t, err)
				if status < 400 {
					continue
				}
				want := reasons[status]
				if path == "/token" && status == http.StatusForbidden {
					want = []any{common.ReasonForbidden}
				}
				body := response.Value.Content.Get("application/json").Schema.Value
				require.Equal(t, "#/components/schemas/Failure", body.AllOf[0].Ref)
				reason := body.AllOf[1].Value.Properties["error"].Value.Properties["reason"].Value
				require.ElementsMatch(t, want, reason.Enum, "%s %s: %d", method, path, status)
			}
		}
	}
	for k, where := range map[pinset.Kind][]string{
		pinset.KindInternal:    {"GET /pins", "POST /pins", "GET /pins/{requestid}", "POST /pins/{requestid}", "DELETE /pins/{requestid}"},
		pinset.KindUnavailable: {"GET /pins", "POST /pins", "GET /pins/{requestid}", "POST /pins/{requestid}", "DELETE /pins/{requestid}"},
		pinset.KindInvalid:     {"GET /pins", "POST /pins", "GET /pins/{requestid}", "POST /pins/{requestid}", "DELETE /pins/{requestid}"},
		pinset.KindNotFound:    {"GET /pins/{requestid}", "POST /pins/{requestid}", "DELETE /pins/{requestid}"},
		pinset.KindReadOnly:    {"POST /pins", "POST /pins/{requestid}", "DELETE /pins/{requestid}"},
		pinset.KindDiskFull:    {"GET /pins", "POST /pins", "GET /pins/{requestid}", "POST /pins/{requestid}", "DELETE /pins/{requestid}"},
		pinset.KindTooLarge:    {"POST /pins", "POST /pins/{requestid}"},
	} {
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				if !strings.HasPrefix(path, "/pins") {
					continue
				}
				line := method + " " + path
				got := op.Responses.Status(failures.Responses()[k].Status) != nil
				require.Equal(t, slices.Contains(where, line), got, "%s: %d", line, failures.Responses()[k].Status)
			}
		}
	}
	require.Len(t, failures.Responses(), 7, "a new kind belongs into the table above")
}
