package pinsvcapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakecluster"
)

// testEpoch is when time begins in the fake cluster.
var testEpoch = fakecluster.Epoch

// fakeCluster is the Cluster of most tests.
type fakeCluster = fakecluster.Pins

func newFakeCluster() *fakeCluster { return fakecluster.NewPins() }

// testCID returns a CIDv1 that nobody provides.
func testCID(i int) cid.Cid { return fakecluster.CID(fmt.Sprintf("test %d", i)) }

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	require.TestingT
	Helper()
}

// testAPI is the handler on a fake cluster, open to everybody.
type testAPI struct {
	t       tester
	cluster *fakeCluster
	handler http.Handler
}

func newTestAPI(t tester, opts ...Option) *testAPI {
	t.Helper()
	f := newFakeCluster()
	a, err := New(DefaultConfig(), append([]Option{WithCluster(f)}, opts...)...)
	require.NoError(t, err)
	return &testAPI{t: t, cluster: f, handler: a}
}

// do sends a request and returns the answer's status and body.
func (a *testAPI) do(method, target, body string) (int, string) {
	a.t.Helper()
	rec := a.record(method, target, body)
	return rec.Code, rec.Body.String()
}

// record also holds the request and its answer against openapi.yaml.
func (a *testAPI) record(method, target, body string) *httptest.ResponseRecorder {
	a.t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	rec := httptest.NewRecorder()
	a.handler.ServeHTTP(rec, req)
	checkContract(a.t, method, target, body, rec)
	return rec
}

// list asks for a page.
func (a *testAPI) list(query string) resultsJSON {
	a.t.Helper()
	code, body := a.do(http.MethodGet, "/pins?"+query, "")
	require.Equal(a.t, http.StatusOK, code, body)
	var out resultsJSON
	require.NoError(a.t, json.Unmarshal([]byte(body), &out))
	return out
}

// pin asks for an answer with one pin.
func (a *testAPI) pin(method, target, body string) statusJSON {
	a.t.Helper()
	code, text := a.do(method, target, body)
	require.Contains(a.t, []int{http.StatusOK, http.StatusAccepted}, code, text)
	var out statusJSON
	require.NoError(a.t, json.Unmarshal([]byte(text), &out))
	return out
}

// ids returns the CIDs of a page.
func ids(r resultsJSON) []string {
	out := make([]string, 0, len(r.Results))
	for _, s := range r.Results {
		out = append(out, s.RequestID)
	}
	return out
}
