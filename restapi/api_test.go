package restapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

const defaultOptions = `name="" mode=recursive repl=0/0 meta=map[] to=[] update=b expires=false origins=[]`

func TestRequests(t *testing.T) {
	a, b := cidA.String(), cidB.String()
	const unpinnable = "bafzaajaiaejcbzdibmxyzdjbbehgvizh6g5tikvy47mshdy6gwbruvgwvd24seje" // an IPNS name
	options := func(changes ...string) string { return strings.NewReplacer(changes...).Replace(defaultOptions) }
	for _, test := range []struct {
		method, target, body string
		status               int
		asked                string // nothing when nothing is asked
	}{
		{"GET", "/id", "", 200, "ID"},
		{"GET", "/id/", "", 200, "ID"},
		{"HEAD", "/id", "", 200, "ID"},
		{"GET", "/version", "", 200, "Version"},
		{"GET", "/peers", "", 200, "Peers"},
		{"POST", "/peers", `{"peer_id":"` + peer2.String() + `"}`, 200, "PeerAdd " + peer2.String()},
		{"POST", "/peers", `{"peer_id":"x"}`, 400, ""},
		{"POST", "/peers", `{}`, 400, ""},
		{"POST", "/peers", `[]`, 400, ""},
		{"POST", "/peers", "", 400, ""},
		{"DELETE", "/peers/" + peer2.String(), "", 204, "PeerRemove " + peer2.String()},
		{"DELETE", "/peers/x", "", 400, ""},

		{"GET", "/allocations", "", 204, "Allocations"},
		{"GET", "/allocations?filter=all", "", 204, "Allocations"},
		{"GET", "/allocations?filter=pin,meta-pin", "", 204, "Allocations"},
		{"GET", "/allocations?filter=pin,pins", "", 400, ""},
		{"GET", "/allocations/" + a, "", 200, "Allocation " + a},
		{"GET", "/allocations/x", "", 400, ""},

		{"GET", "/pins", "", 204, "StatusAll 0 local=false"},
		{"GET", "/pins?local=true&filter=", "", 204, "StatusAll 0 local=true"},
		{"GET", "/pins?local=false&filter=pinned,error", "", 204, fmt.Sprintf("StatusAll %d local=false", api.TrackerStatusPinned|api.TrackerStatusError)},
		{"GET", "/pins?local=yes", "", 400, ""},
		{"GET", "/pins?filter=pinned,pined", "", 400, ""},
		{"GET", "/pins?filter=undefined", "", 400, ""},
		{"GET", "/pins?cids=" + a, "", 204, "Status " + a + " local=false"},
		{"GET", "/pins?cids=x", "", 400, ""},
		{"GET", "/pins?local=%zz", "", 400, ""},
		{"GET", "/pins/" + a, "", 200, "Status " + a + " local=false"},
		{"GET", "/pins/" + a + "?local=1", "", 200, "Status " + a + " local=true"},
		{"GET", "/pins/" + a + "?local=maybe", "", 400, ""},
		{"GET", "/pins/x", "", 400, ""},
		{"GET", "/pins/recover", "", 400, ""},
		{"POST", "/pins/recover", "", 204, "RecoverAll local=false"},
		{"POST", "/pins/recover?local=true", "", 204, "RecoverAll local=true"},
		{"POST", "/pins/" + a + "/recover", "", 200, "Recover " + a + " local=false"},
		{"POST", "/pins/" + a + "/recover?local=true", "", 200, "Recover " + a + " local=true"},

		{"POST", "/pins/" + a, "", 200, "Pin " + a + " depth=-1 " + defaultOptions},
		{"POST", "/pins/" + a + "?mode=direct", "", 200, "Pin " + a + " depth=0 " + options("recursive", "direct")},
		{"POST", "/pins/" + a + "?name=n&replication=2&meta-k=v&expire-in=1h&user-allocations=" + peer2.String(), "", 200, "Pin " + a + " depth=-1 " +
			options(`""`, `"n"`, "0/0", "2/2", "map[]", "map[k:v]", "false", "true", "to=[]", "to=["+peer2.String()+"]")},
		{"POST", "/pins/" + a + "?replication-min=1&replication-max=3&pin-update=" + b, "", 200, "Allocation " + b + "; Pin " + a + " depth=-1 " +
			options("0/0", "1/3")},
		{"POST", "/pins/" + a + "?name=n&pin-update=" + b, "", 200, "Allocation " + b + "; Pin " + a + " depth=-1 " +
			options(`""`, `"n"`, "update=b", "update="+b)},
		{"POST", "/pins/" + a + "?origins=/ip4/1.2.3.4/tcp/1/p2p/" + peer1.String(), "", 200, "Pin " + a + " depth=-1 " +
			options("origins=[]", "origins=[/ip4/1.2.3.4/tcp/1/p2p/"+peer1.String()+"]")},
		{"POST", "/pins/" + unpinnable, "", 400, ""},
		{"POST", "/pins/" + unpinnable + "?pin-update=" + a, "", 400, ""},
		{"DELETE", "/pins/" + unpinnable, "", 200, "Unpin " + unpinnable},
		{"POST", "/pins/" + a + "?mode=deep", "", 400, ""},
		{"POST", "/pins/" + a + "?replication-min=many", "", 400, ""},
		{"POST", "/pins/" + a + "?expire-at=soon", "", 400, ""},
		{"POST", "/pins/" + a + "?expire-in=1ms", "", 400, ""},
		{"POST", "/pins/" + a + "?user-allocations=" + peer2.String() + ",x", "", 400, ""},
		{"POST", "/pins/" + a + "?pin-update=x", "", 400, ""},
		{"POST", "/pins/" + a + "?origins=x", "", 400, ""},
		{"POST", "/pins/" + a + "?origins=/ip4/1.2.3.4", "", 400, ""},
		{"POST", "/pins/" + a + "?meta-pinsvc-created=x", "", 400, ""},
		{"POST", "/pins/x", "", 400, ""},
		{"DELETE", "/pins/" + a, "", 200, "Unpin " + a},
		{"DELETE", "/pins/x", "", 400, ""},

		{"POST", "/pins/ipfs/" + a, "", 200, "Resolve /ipfs/" + a + "; Pin " + a + " depth=-1 " + defaultOptions},
		{"POST", "/pins/ipfs/" + a + "/b/c%20d/?name=n", "", 200, "Resolve /ipfs/" + a + "/b/c d; Pin " + a + " depth=-1 " + options(`""`, `"n"`)},
		{"POST", "/pins/ipfs/" + a + "?name=n&pin-update=" + b, "", 200, "Resolve /ipfs/" + a + "; Allocation " + b + "; Pin " + a + " depth=-1 " +
			options(`""`, `"n"`, "update=b", "update="+b)},
		{"POST", "/pins/ipns/example.com/x", "", 200, "Resolve /ipns/example.com/x; Pin " + a + " depth=-1 " + defaultOptions},
		{"POST", "/pins/ipld/" + a, "", 200, "Resolve /ipld/" + a + "; Pin " + a + " depth=-1 " + defaultOptions},
		{"POST", "/pins/ipfs/x", "", 400, ""},
		{"POST", "/pins/ipfs/" + a + "?mode=deep", "", 400, ""},
		{"POST", "/pins/ipxs/" + a, "", 404, ""},
		{"DELETE", "/pins/ipfs/" + a + "/b", "", 200, "Resolve /ipfs/" + a + "/b; Unpin " + a},
		{"DELETE", "/pins/ipfs/x", "", 400, ""},
		{"GET", "/pins/ipfs/" + a, "", 405, ""},

		{"GET", "/health", "", 204, ""},
		{"GET", "/health/graph", "", 200, "ConnectGraph"},
		{"GET", "/health/alerts", "", 200, "Alerts"},
		{"GET", "/health/bandwidth", "", 200, "Bandwidth"},
		{"GET", "/monitor/metrics", "", 200, "MetricNames"},
		{"GET", "/monitor/metrics/free%2Fspace", "", 200, "Metrics free/space"},
		{"POST", "/ipfs/gc", "", 200, "CollectGarbage local=false"},
		{"POST", "/ipfs/gc?local=true", "", 200, "CollectGarbage local=true"},
		{"POST", "/ipfs/gc?local=x", "", 400, ""},
		{"GET", "/nowhere", "", 404, ""},
		{"PUT", "/id", "", 405, ""},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			w, asked := newTestAPI(t).do(test.method, test.target, test.body)
			require.Equal(t, test.status, w.Code, w.Body.String())
			require.Equal(t, test.asked, strings.Join(asked, "; "))
			if test.status >= 400 {
				requireError(t, w.Code, w.Body.Bytes())
			}
			if test.status < 300 && test.status != 204 {
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			}
		})
	}
}

// requireError checks the body of a failure and returns its message.
func requireError(t testing.TB, code int, body []byte) string {
	t.Helper()
	var e api.Error
	require.NoError(t, json.Unmarshal(body, &e), "%s", body)
	require.Equal(t, code, e.Code)
	require.NotEmpty(t, e.Message)
	return e.Message
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		status  int
		message string
		retry   bool
	}{
		"not found":   {pinset.ErrNotFound, 404, "pin is not part of the pinset", false},
		"wrapped":     {fmt.Errorf("at home: %w", pinset.ErrNotFound), 404, "pin is not part of the pinset", false},
		"follower":    {pinset.ErrReadOnly, 403, pinset.ErrReadOnly.Details, false},
		"too large":   {pinset.ErrTooLarge, 413, pinset.ErrTooLarge.NativeText(), false},
		"invalid":     {pinset.Invalid("cid", "it is %s", "odd"), 400, "cid: it is odd", false},
		"unavailable": {pinset.Unavailable("no leader", errors.New("private")), 503, "no leader", true},
		"too late":    {context.DeadlineExceeded, 503, "the cluster did not answer in time", true},
		"given up":    {context.Canceled, 503, "the request was given up", true},
		"unknown":     {errors.New("private"), 500, "unexpected error: see the log of the peer", false},
		"a failure":   {&common.Failure{Status: 418, Details: "teapot"}, 418, "teapot", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, target := range []string{
				"GET /id", "GET /version", "DELETE /peers/" + peer1.String(), "GET /allocations", "GET /pins", "GET /pins/" + cidA.String(),
				"GET /pins?cids=" + cidA.String(), "POST /pins/" + cidA.String(), "POST /pins/ipfs/" + cidA.String(), "DELETE /pins/ipfs/" + cidA.String(),
				"POST /pins/recover", "GET /health/graph", "GET /monitor/metrics/x", "POST /ipfs/gc",
			} {
				a := newTestAPI(t)
				a.cluster.Errs = []error{test.err}
				method, path, _ := strings.Cut(target, " ")
				w, _ := a.do(method, path, "")
				require.Equal(t, test.status, w.Code, target)
				require.Equal(t, test.message, requireError(t, w.Code, w.Body.Bytes()), target)
				require.Equal(t, test.retry, w.Header().Get("Retry-After") != "", target)
				require.NotContains(t, w.Body.String(), "private")
			}
		})
	}
}

// Nobody sees, or sets, what peers keep in a pin's metadata.
func TestReservedMetadata(t *testing.T) {
	meta := map[string]string{"colour": "red", pinset.ReservedPrefix + "created": "2020-01-01T00:00:00.000Z"}
	for _, target := range []string{
		"POST /pins/" + cidA.String(), "DELETE /pins/" + cidA.String(), "POST /pins/ipfs/" + cidA.String(), "DELETE /pins/ipfs/" + cidA.String(),
		"GET /allocations", "GET /allocations/" + cidA.String(),
		"GET /pins", "GET /pins?cids=" + cidA.String(), "GET /pins/" + cidA.String(), "POST /pins/recover", "POST /pins/" + cidA.String() + "/recover",
	} {
		a := newTestAPI(t)
		a.cluster.Pins = []api.Pin{{Cid: cidA, Type: api.DataType, PinOptions: api.PinOptions{Metadata: meta}}}
		a.cluster.Infos = []api.GlobalPinInfo{{Cid: cidA, Metadata: meta, PeerMap: map[string]api.PinInfoShort{"p": {Status: api.TrackerStatusPinned}}}}
		method, path, _ := strings.Cut(target, " ")
		w, _ := a.do(method, path, "")
		require.Equal(t, 200, w.Code)
		require.Contains(t, w.Body.String(), `"colour":"red"`, target)
		require.NotContains(t, w.Body.String(), pinset.ReservedPrefix, target)
	}
	require.Len(t, meta, 2, "the cluster's own is as it was")
}

// Lists are never null: some clients would fail.
func TestListsAreNeverNull(t *testing.T) {
	for _, path := range []string{"/health/alerts", "/monitor/metrics/x"} {
		w, _ := newTestAPI(t).do("GET", path, "")
		require.Equal(t, "[]\n", w.Body.String())
	}
}

func TestAllocationsFilter(t *testing.T) {
	a := newTestAPI(t)
	for i, kind := range []api.PinType{api.DataType, api.MetaType, api.ClusterDAGType, api.ShardType} {
		a.cluster.Pins = append(a.cluster.Pins, api.Pin{Cid: testCID(fmt.Sprint(i)), Type: kind})
	}
	for filter, want := range map[string]int{
		"": 4, "all": 4, "pin": 1, "meta-pin": 1, "clusterdag-pin,shard-pin": 2, "pin,all": 4, " pin , meta-pin ": 2,
	} {
		w, _ := a.do("GET", "/allocations?filter="+strings.ReplaceAll(filter, " ", "%20"), "")
		require.Equal(t, want, strings.Count(w.Body.String(), "\n"), filter)
	}
}

// The filter counts for given CIDs, too.
func TestStatusOfCIDs(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.Infos = []api.GlobalPinInfo{{PeerMap: map[string]api.PinInfoShort{
		"one": {Status: api.TrackerStatusPinned}, "two": {Status: api.TrackerStatusPinError},
	}}}
	both := "cids=" + cidA.String() + "," + cidB.String() + "," + cidA.String()
	for query, want := range map[string]struct{ lines, peers int }{
		both:                       {2, 4},
		both + "&local=true":       {2, 4},
		both + "&filter=pinned":    {2, 2},
		both + "&filter=error":     {2, 2},
		both + "&filter=unpinned":  {0, 0},
		"filter=pinned&cids=":      {1, 2}, // as the cluster says it
		"cids=%20" + cidA.String(): {1, 2},
	} {
		w, _ := a.do("GET", "/pins?"+query, "")
		require.Equal(t, want.lines, strings.Count(w.Body.String(), "\n"), query)
		require.Equal(t, want.peers, strings.Count(w.Body.String(), `"status"`), query)
	}
	_, asked := a.do("GET", "/pins?"+both, "")
	require.Len(t, asked, 2, "each once")
}

func TestNotReady(t *testing.T) {
	ready := make(chan struct{})
	a := newTestAPI(t, WithOptions(common.Options{Ready: ready}))
	waits := []string{
		"GET /pins", "GET /pins/" + cidA.String(), "POST /pins/" + cidA.String(), "DELETE /pins/" + cidA.String(), "GET /allocations",
		"GET /allocations/" + cidA.String(), "POST /pins/recover", "POST /pins/" + cidA.String() + "/recover",
		"POST /pins/ipfs/" + cidA.String(), "DELETE /pins/ipfs/" + cidA.String(), "POST /add",
	}
	for _, target := range append(waits, "GET /id", "GET /peers", "GET /version", "GET /health/graph", "GET /monitor/metrics") {
		method, path, _ := strings.Cut(target, " ")
		w, asked := a.do(method, path, "")
		if !contains(waits, target) {
			require.Equal(t, 200, w.Code, target)
			continue
		}
		require.Equal(t, 503, w.Code, target)
		require.Empty(t, asked)
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		requireError(t, 503, w.Body.Bytes())
	}
	close(ready)
	w, _ := a.do("GET", "/pins/"+cidA.String(), "")
	require.Equal(t, 200, w.Code)
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func TestWithoutAPeer(t *testing.T) {
	a, err := New(DefaultConfig())
	require.NoError(t, err)
	for _, target := range []string{"GET /id", "GET /peers", "GET /pins", "POST /ipfs/gc"} {
		method, path, _ := strings.Cut(target, " ")
		w, _ := (&testAPI{t: t, cluster: &fakeCluster{}, API: a}).do(method, path, "")
		require.Equal(t, 503, w.Code, target)
		require.NotEmpty(t, w.Header().Get("Retry-After"))
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	cfg := DefaultConfig()
	cfg.BasicAuthCredentials = auth.Users{"alice": "hunter2"}
	a, err := New(cfg)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, a), "hunter2")
		require.NotContains(t, fmt.Sprintf(verb, cfg), "hunter2")
	}
}

func TestOptionsOfNew(t *testing.T) {
	creds := auth.NewCredentials(map[string]string{"alice": "one"})
	a := newTestAPI(t, WithOptions(common.Options{Credentials: creds}))
	get := func(password string) int {
		w, _ := a.do("GET", "/id", "", "Authorization", basic("alice", password))
		return w.Code
	}
	require.Equal(t, 200, get("one"))
	creds.Replace(map[string]string{"alice": "two"})
	require.Equal(t, 401, get("one"))
	require.Equal(t, 200, get("two"))

	cfg := DefaultConfig()
	cfg.ReadTimeout = -1
	_, err := New(cfg)
	require.ErrorContains(t, err, "api.restapi.read_timeout")
	cfg = DefaultConfig()
	cfg.HTTPListenMultiaddress = nil
	_, err = New(cfg)
	require.ErrorContains(t, err, "api.restapi: there is no address")
	require.NoError(t, newTestAPI(t).Shutdown(t.Context()))
	require.Implements(t, (*http.Handler)(nil), a.API)
}
