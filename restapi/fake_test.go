package restapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakecluster"
)

var (
	peer1 = fakecluster.Peer1
	peer2 = fakecluster.Peer2
	cidA  = fakecluster.ResolvedCID
	cidB  = testCID("b")
)

func testCID(text string) api.Cid { return api.NewCid(fakecluster.CID(text)) }

// fakeCluster is the Cluster of most tests.
type fakeCluster = fakecluster.Native[Scope]

// testAPI is the handler on a fake cluster, open to everybody.
type testAPI struct {
	t       testing.TB
	cluster *fakeCluster
	*API
}

func newTestAPI(t testing.TB, opts ...Option) *testAPI {
	t.Helper()
	f := &fakeCluster{}
	a, err := New(DefaultConfig(), append([]Option{WithCluster(f)}, opts...)...)
	require.NoError(t, err)
	return &testAPI{t: t, cluster: f, API: a}
}

// do sends a request, and returns the answer and what the cluster was asked.
func (a *testAPI) do(method, target, body string, header ...string) (*httptest.ResponseRecorder, []string) {
	a.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a.cluster.Log = nil
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w, a.cluster.Log
}

var _ http.Handler = (*API)(nil)
