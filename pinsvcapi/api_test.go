package pinsvcapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multibase"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

func TestAddAnswersWhatItStored(t *testing.T) {
	a := newTestAPI(t)
	c := testCID(1).String()
	body := `{"cid":"` + c + `","name":"a name","meta":{"app":"x"},"origins":["/ip4/203.0.113.9/tcp/4001/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"],"unknown":1}`

	code, text := a.do(http.MethodPost, "/pins", body)

	require.Equal(t, http.StatusAccepted, code)
	require.JSONEq(t, `{
		"requestid": "`+c+`", "status": "pinned", "created": "2026-03-04T05:06:07.001Z",
		"pin": {"cid": "`+c+`", "name": "a name", "meta": {"app": "x"},
			"origins": ["/ip4/203.0.113.9/tcp/4001/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"]},
		"delegates": ["/ip4/203.0.113.1/tcp/4001/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"]
	}`, text)
	_, got := a.do(http.MethodGet, "/pins/"+c, "")
	require.JSONEq(t, text, got)
	list := a.list("")
	require.Equal(t, 1, list.Count)
	one, err := json.Marshal(list.Results[0])
	require.NoError(t, err)
	require.JSONEq(t, text, string(one))
}

func TestAddAgainReplacesWhatTheBodySays(t *testing.T) {
	a := newTestAPI(t)
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	old := pinset.Pin{
		CID: testCID(1), Name: "old", Meta: map[string]string{"k": "v"}, Created: testEpoch.Add(-time.Hour),
		Origins: []string{"/ip4/203.0.113.9/tcp/1/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"},
		Expires: expires, ReplicationMin: 2, ReplicationMax: 3,
	}
	a.cluster.Seed(old)

	got := a.pin(http.MethodPost, "/pins", `{"cid":"`+old.CID.String()+`","name":"new"}`)

	require.Equal(t, pinset.EncodeCreated(old.Created), got.Created)
	require.Equal(t, pinJSON{CID: old.CID.String(), Name: "new"}, got.Pin)
	stored := a.cluster.Pins[old.CID]
	require.Equal(t, 2, stored.ReplicationMin)
	require.Equal(t, 3, stored.ReplicationMax)
	require.Equal(t, expires, stored.Expires)
	require.Equal(t, expires.Format(time.RFC3339), got.Info[infoUntil])
}

func TestExpiredPinIsAddedAnew(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.Seed(pinset.Pin{
		CID: testCID(1), Created: testEpoch.Add(-time.Hour), Expires: testEpoch, ReplicationMin: 2, ReplicationMax: 3,
	})
	got := a.pin(http.MethodPost, "/pins", `{"cid":"`+testCID(1).String()+`"}`)
	require.Equal(t, pinset.EncodeCreated(testEpoch.Add(time.Millisecond)), got.Created)
	stored := a.cluster.Pins[testCID(1)]
	require.Zero(t, stored.Expires)
	require.Zero(t, stored.ReplicationMin)
}

func TestShardedRootKeepsItsReference(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.Seed(pinset.Pin{CID: testCID(1), Sharded: true, Reference: testCID(2)})
	a.pin(http.MethodPost, "/pins", `{"cid":"`+testCID(1).String()+`","name":"n"}`)
	require.True(t, a.cluster.Pins[testCID(1)].Sharded)
	require.Equal(t, testCID(2), a.cluster.Pins[testCID(1)].Reference)
}

func TestReplace(t *testing.T) {
	old := pinset.Pin{CID: testCID(1), Name: "old", Meta: map[string]string{"k": "v"}, Created: testEpoch.Add(-time.Hour)}
	id := old.CID.String()
	other := testCID(2).String()

	t.Run("by another CID: the new one is stored before the old one goes", func(t *testing.T) {
		a := newTestAPI(t)
		a.cluster.Seed(old)
		got := a.pin(http.MethodPost, "/pins/"+id, `{"cid":"`+other+`","name":"new"}`)
		require.Equal(t, other, got.RequestID)
		require.Equal(t, pinJSON{CID: other, Name: "new"}, got.Pin)
		require.Equal(t, []string{"put " + other, "delete " + id}, a.cluster.Log)
	})
	t.Run("by itself: never unpinned, created stays", func(t *testing.T) {
		a := newTestAPI(t)
		a.cluster.Seed(old)
		got := a.pin(http.MethodPost, "/pins/"+id, `{"cid":"`+id+`","name":"new"}`)
		require.Equal(t, pinset.EncodeCreated(old.Created), got.Created)
		require.Equal(t, []string{"put " + id}, a.cluster.Log)
	})
	t.Run("of nothing: nothing changes", func(t *testing.T) {
		a := newTestAPI(t)
		code, _ := a.do(http.MethodPost, "/pins/"+id, `{"cid":"`+other+`"}`)
		require.Equal(t, http.StatusNotFound, code)
		require.Zero(t, a.cluster.Writes)
	})
	t.Run("by one that exists: its created stays", func(t *testing.T) {
		a := newTestAPI(t)
		a.cluster.Seed(old, pinset.Pin{CID: testCID(2), Created: testEpoch.Add(-time.Minute)})
		got := a.pin(http.MethodPost, "/pins/"+id, `{"cid":"`+other+`"}`)
		require.Equal(t, pinset.EncodeCreated(testEpoch.Add(-time.Minute)), got.Created)
	})
}

func TestDelete(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.Seed(pinset.Pin{CID: testCID(1)})
	target := "/pins/" + testCID(1).String()
	code, body := a.do(http.MethodDelete, target, "")
	require.Equal(t, http.StatusAccepted, code)
	require.Empty(t, body)
	code, _ = a.do(http.MethodDelete, target, "")
	require.Equal(t, http.StatusNotFound, code)
}

func TestRequestIDInAnyEncoding(t *testing.T) {
	a := newTestAPI(t)
	v1 := testCID(1)
	v0 := cid.NewCidV0(v1.Hash())
	a.cluster.Seed(pinset.Pin{CID: v1, Name: "v1"}, pinset.Pin{CID: v0, Name: "v0"})
	for _, base := range []multibase.Encoding{
		multibase.Base16, multibase.Base32Upper, multibase.Base36, multibase.Base58BTC,
		multibase.Base64, multibase.Base64url, multibase.Base64pad,
	} {
		text, err := v1.StringOfBase(base)
		require.NoError(t, err)
		got := a.pin(http.MethodGet, "/pins/"+url.PathEscape(text), "")
		require.Equal(t, v1.String(), got.RequestID, "base %c", base)
		require.Equal(t, v1.String(), got.Pin.CID)
	}
	require.Equal(t, "v0", a.pin(http.MethodGet, "/pins/"+v0.String(), "").Pin.Name)
	require.Equal(t, []string{v0.String()}, ids(a.list("cid="+v0.String())))
	require.Equal(t, []string{v1.String()}, ids(a.list("cid="+v1.String())))
}

// A CIDv0 and the CIDv1 of its block are two pins, and the one finds the other
// where its own is not there.
func TestOtherVersionOfACID(t *testing.T) {
	v0 := cid.NewCidV0(testCID(1).Hash())
	v1 := cid.NewCidV1(cid.DagProtobuf, v0.Hash())
	raw := testCID(1) // of the same digest, and another block
	for _, stored := range []cid.Cid{v0, v1} {
		other := map[cid.Cid]cid.Cid{v0: v1, v1: v0}[stored]
		a := newTestAPI(t)
		a.cluster.Seed(pinset.Pin{CID: stored, Name: "stored"})
		require.Equal(t, stored.String(), a.pin(http.MethodGet, "/pins/"+other.String(), "").RequestID)
		for _, q := range []string{"cid=" + other.String(), "cid=" + v0.String() + "," + v1.String(), "cid[]=" + other.String() + "&limit=1"} {
			got := a.list(q)
			require.Equal(t, []string{stored.String()}, ids(got), q)
			require.Equal(t, 1, got.Count, q)
		}
		require.Empty(t, ids(a.list("name=else&cid="+other.String())), "the other filters count")
		require.Empty(t, ids(a.list("cid="+raw.String())))
		code, _ := a.do(http.MethodDelete, "/pins/"+raw.String(), "")
		require.Equal(t, http.StatusNotFound, code)

		// Replaced by the other version: a pin of its own, and the old one goes.
		got := a.pin(http.MethodPost, "/pins/"+other.String(), `{"cid":"`+other.String()+`","name":"new"}`)
		require.Equal(t, other.String(), got.RequestID)
		require.Equal(t, []string{other.String()}, ids(a.list("cid="+v0.String()+","+v1.String())))
		// Replaced by itself under its other name: an update in place.
		got = a.pin(http.MethodPost, "/pins/"+stored.String(), `{"cid":"`+other.String()+`","name":"newer"}`)
		require.Equal(t, "newer", got.Pin.Name)
		require.Equal(t, "newer", a.pin(http.MethodGet, "/pins/"+stored.String(), "").Pin.Name)
		code, _ = a.do(http.MethodDelete, "/pins/"+stored.String(), "")
		require.Equal(t, http.StatusAccepted, code)
		code, _ = a.do(http.MethodDelete, "/pins/"+stored.String(), "")
		require.Equal(t, http.StatusNotFound, code)
	}

	// The exact one, also when only the other one passes the other filters.
	a := newTestAPI(t)
	a.cluster.Seed(pinset.Pin{CID: v0, Name: "v0"}, pinset.Pin{CID: v1, Name: "v1"})
	require.Empty(t, ids(a.list("name=v1&cid="+v0.String())))
	require.Len(t, ids(a.list("cid="+v0.String()+","+v1.String())), 2)
	code, _ := a.do(http.MethodDelete, "/pins/"+v1.String(), "")
	require.Equal(t, http.StatusAccepted, code)
	require.Equal(t, "v0", a.pin(http.MethodGet, "/pins/"+v1.String(), "").Pin.Name)
}

func TestTrailingSlashIsTheSameRoute(t *testing.T) {
	a := newTestAPI(t)
	a.cluster.Seed(pinset.Pin{CID: testCID(1)})
	for _, target := range []string{"/pins/", "/pins/" + testCID(1).String() + "/"} {
		code, body := a.do(http.MethodGet, target, "")
		require.Equal(t, http.StatusOK, code, body)
	}
}

func TestNotReadyIsNever404(t *testing.T) {
	ready := make(chan struct{})
	a := newTestAPI(t, WithOptions(common.Options{Ready: ready}))
	target := "/pins/" + testCID(1).String()
	rec := a.record(http.MethodGet, target, "")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotEmpty(t, rec.Header().Get("Retry-After"))
	close(ready)
	code, _ := a.do(http.MethodGet, target, "")
	require.Equal(t, http.StatusNotFound, code)
}

func TestOriginsNeverFail(t *testing.T) {
	peer := "/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("/ip4/10.0.0.%d/tcp/4001%s", i, peer))
	}
	for name, tt := range map[string]struct {
		origins []string
		want    []string
	}{
		"none":         {nil, nil},
		"nonsense":     {[]string{"", "nonsense", "http://example.com", "/ip4/1.2.3.4"}, nil},
		"without peer": {[]string{"/ip4/203.0.113.9/tcp/4001"}, nil},
		"private too":  {[]string{"/ip4/127.0.0.1/tcp/4001" + peer}, []string{"/ip4/127.0.0.1/tcp/4001" + peer}},
		"twice":        {[]string{many[0], many[0]}, many[:1]},
		"too many":     {many, many[:maxOrigins]},
		"unknown transport": {
			[]string{"/ip4/1.2.3.4/carrierpigeon/1" + peer, many[0]}, many[:1],
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			origins, err := json.Marshal(tt.origins)
			require.NoError(t, err)
			got := a.pin(http.MethodPost, "/pins", `{"cid":"`+testCID(1).String()+`","origins":`+string(origins)+`}`)
			require.Equal(t, tt.want, got.Pin.Origins)
		})
	}
}

func TestNullCountsAsAbsent(t *testing.T) {
	a := newTestAPI(t)
	got := a.pin(http.MethodPost, "/pins", `{"cid":"`+testCID(1).String()+`","name":null,"meta":null,"origins":null}`)
	require.Equal(t, pinJSON{CID: testCID(1).String()}, got.Pin)
	_, body := a.do(http.MethodGet, "/pins/"+got.RequestID, "")
	require.NotContains(t, body, "null")
}

func TestEmptyAccount(t *testing.T) {
	code, body := newTestAPI(t).do(http.MethodGet, "/pins", "")
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"count":0,"results":[]}`, body)
}

// TestBadRequests provokes every 4xx that the request itself is to blame for.
func TestBadRequests(t *testing.T) {
	c := testCID(1).String()
	withCID := func(fields string) string { return `{"cid":"` + c + `",` + fields + `}` }
	entries := make([]string, 1001)
	cids := make([]string, 11)
	for i := range entries {
		entries[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for i := range cids {
		cids[i] = testCID(i).String()
	}
	for name, tt := range map[string]struct {
		method, target, body string
		status               int
		param                string // what details begin with
	}{
		"no body":                 {"POST", "/pins", "", 400, "body"},
		"no JSON":                 {"POST", "/pins", "{", 400, "body"},
		"JSON null":               {"POST", "/pins", "null", 400, "body"},
		"an array":                {"POST", "/pins", "[]", 400, "body"},
		"a string":                {"POST", "/pins", `"x"`, 400, "body"},
		"two documents":           {"POST", "/pins", withCID(`"name":"x"`) + "{}", 400, "body"},
		"garbage after it":        {"POST", "/pins", withCID(`"name":"x"`) + "x", 400, "body"},
		"no cid":                  {"POST", "/pins", `{"name":"x"}`, 400, "cid"},
		"null cid":                {"POST", "/pins", `{"cid":null}`, 400, "cid"},
		"cid in capitals":         {"POST", "/pins", `{"CID":"` + c + `"}`, 400, "cid"},
		"cid no string":           {"POST", "/pins", `{"cid":1}`, 400, "cid"},
		"cid empty":               {"POST", "/pins", `{"cid":""}`, 400, "cid"},
		"cid nonsense":            {"POST", "/pins", `{"cid":"nonsense"}`, 400, "cid"},
		"cid a path":              {"POST", "/pins", `{"cid":"/ipfs/` + c + `"}`, 400, "cid"},
		"cid too long":            {"POST", "/pins", `{"cid":"b` + strings.Repeat("a", 5000) + `"}`, 400, "cid"},
		"name no string":          {"POST", "/pins", withCID(`"name":{}`), 400, "name"},
		"name too long, CJK":      {"POST", "/pins", withCID(`"name":"` + strings.Repeat("漢", 256) + `"`), 400, "name"},
		"name too long, emoji":    {"POST", "/pins", withCID(`"name":"` + strings.Repeat("😀", 256) + `"`), 400, "name"},
		"meta no object":          {"POST", "/pins", withCID(`"meta":[]`), 400, "meta"},
		"meta of numbers":         {"POST", "/pins", withCID(`"meta":{"a":1}`), 400, "meta"},
		"meta nested":             {"POST", "/pins", withCID(`"meta":{"a":{"b":"c"}}`), 400, "meta"},
		"meta of null":            {"POST", "/pins", withCID(`"meta":{"a":null}`), 400, "meta"},
		"meta too many":           {"POST", "/pins", withCID(`"meta":{` + strings.Join(entries, ",") + `}`), 400, "meta"},
		"meta reserved":           {"POST", "/pins", withCID(`"meta":{"pinsvc-created":"x"}`), 400, "meta"},
		"origins no list":         {"POST", "/pins", withCID(`"origins":"/ip4/1.2.3.4"`), 400, "origins"},
		"origins of numbers":      {"POST", "/pins", withCID(`"origins":[1]`), 400, "origins"},
		"origins of null":         {"POST", "/pins", withCID(`"origins":[null]`), 400, "origins"},
		"body too large":          {"POST", "/pins", withCID(`"x":"` + strings.Repeat("x", 1<<20) + `"`), 413, "body"},
		"replace: bad id":         {"POST", "/pins/nonsense", withCID(`"name":"x"`), 404, "there is no pin"},
		"replace: bad body":       {"POST", "/pins/" + c, "{", 400, "body"},
		"get: bad id":             {"GET", "/pins/nonsense", "", 404, "there is no pin"},
		"delete: bad id":          {"DELETE", "/pins/nonsense", "", 404, "there is no pin"},
		"get: unknown id":         {"GET", "/pins/" + testCID(99).String(), "", 404, "there is no pin"},
		"limit 0":                 {"GET", "/pins?limit=0", "", 400, "limit"},
		"limit -1":                {"GET", "/pins?limit=-1", "", 400, "limit"},
		"limit 1001":              {"GET", "/pins?limit=1001", "", 400, "limit"},
		"limit 1e9":               {"GET", "/pins?limit=1e9", "", 400, "limit"},
		"limit beyond 64 bits":    {"GET", "/pins?limit=99999999999999999999", "", 400, "limit"},
		"limit a word":            {"GET", "/pins?limit=ten", "", 400, "limit"},
		"status unknown":          {"GET", "/pins?status=done", "", 400, "status"},
		"status partly unknown":   {"GET", "/pins?status=pinned,done,queued", "", 400, "status"},
		"status in capitals":      {"GET", "/pins?status=PINNED", "", 400, "status"},
		"match unknown":           {"GET", "/pins?match=fuzzy&name=x", "", 400, "match"},
		"match unknown, no name":  {"GET", "/pins?match=fuzzy", "", 400, "match"},
		"before without zone":     {"GET", "/pins?before=2020-07-27T17:32:28", "", 400, "before"},
		"before a date":           {"GET", "/pins?before=2020-07-27", "", 400, "before"},
		"after a number":          {"GET", "/pins?after=1595871148", "", 400, "after"},
		"filter: meta no JSON":    {"GET", "/pins?meta=x", "", 400, "meta"},
		"filter: meta no strings": {"GET", "/pins?meta=" + url.QueryEscape(`{"a":1}`), "", 400, "meta"},
		"filter: meta an array":   {"GET", "/pins?meta=" + url.QueryEscape(`["a"]`), "", 400, "meta"},
		"filter: meta reserved":   {"GET", "/pins?meta=" + url.QueryEscape(`{"pinsvc-x":"1"}`), "", 400, "meta"},
		"filter: meta a Go map":   {"GET", "/pins?meta=" + url.QueryEscape(`map[a:b]`), "", 400, `meta: "map[a:b]" is not a JSON object`},
		"filter: meta a dict":     {"GET", "/pins?meta=" + url.QueryEscape(`{'a': 'b'}`), "", 400, `meta: "{'a': 'b'}" is not a JSON object`},
		"filter: meta in meta":    {"GET", "/pins?meta[a][b]=c", "", 400, "meta"},
		"filter: meta[]":          {"GET", "/pins?meta[]=c", "", 400, "meta"},
		"filter: meta[":           {"GET", "/pins?meta[a=c", "", 400, "meta"},
		"filter: meta[a]b":        {"GET", "/pins?meta[a]b=c", "", 400, "meta"},
		"filter: meta.a":          {"GET", "/pins?meta.a=c", "", 400, "meta"},
		"filter: meta[reserved]":  {"GET", "/pins?meta[pinsvc-x]=1", "", 400, "meta"},
		"filter: meta twice":      {"GET", "/pins?meta[a]=1&meta[a]=2", "", 400, "meta"},
		"filter: meta both ways":  {"GET", "/pins?meta[a]=1&meta=" + url.QueryEscape(`{"a":"2"}`), "", 400, "meta"},
		"filter: cid[a]":          {"GET", "/pins?cid[a]=" + c, "", 400, "cid"},
		"filter: cid[0][1]":       {"GET", "/pins?cid[0][1]=" + c, "", 400, "cid"},
		"filter: cid[-1]":         {"GET", "/pins?cid[-1]=" + c, "", 400, "cid"},
		"filter: cid]":            {"GET", "/pins?cid]=" + c, "", 400, "cid"},
		"filter: status[x]":       {"GET", "/pins?status[eq]=pinned", "", 400, "status"},
		"filter: bad status[]":    {"GET", "/pins?status[]=done", "", 400, "status"},
		"filter: name[]":          {"GET", "/pins?name[]=a", "", 400, "name"},
		"filter: match[0]":        {"GET", "/pins?match[0]=exact", "", 400, "match"},
		"filter: before[lt]":      {"GET", "/pins?before[lt]=2020-07-27T17:32:28Z", "", 400, "before"},
		"filter: after[]":         {"GET", "/pins?after[]=2020-07-27T17:32:28Z", "", 400, "after"},
		"limit[]":                 {"GET", "/pins?limit[]=1", "", 400, "limit"},
		"filter: two names":       {"GET", "/pins?name=a&name=b", "", 400, "name"},
		"filter: two befores":     {"GET", "/pins?before=2020-07-27T17:32:28Z&before=2021-07-27T17:32:28Z", "", 400, "before"},
		"filter: 6 and 5 CIDs":    {"GET", "/pins?cid=" + strings.Join(cids[:6], ",") + "&cid[]=" + strings.Join(cids[6:11], "&cid[]="), "", 400, "cid"},
		"filter: 11 CIDs":         {"GET", "/pins?cid=" + strings.Join(cids, ","), "", 400, "cid"},
		"filter: bad CID":         {"GET", "/pins?cid=" + c + ",nonsense", "", 400, "cid"},
		"filter: name too long":   {"GET", "/pins?name=" + strings.Repeat("n", 256), "", 400, "name"},
		"query not escaped":       {"GET", "/pins?name=%zz", "", 400, "query"},
		"unknown route":           {"GET", "/nothing", "", 404, ""},
		"wrong method":            {"PUT", "/pins", "", 405, ""},
		"wrong method on a pin":   {"PATCH", "/pins/" + c, "", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			rec := a.record(tt.method, tt.target, tt.body)
			require.Equal(t, tt.status, rec.Code, rec.Body.String())
			require.Equal(t, "application/json", strings.Split(rec.Header().Get("Content-Type"), ";")[0])
			var failure struct {
				Error struct{ Reason, Details string }
			}
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &failure))
			require.Regexp(t, `^[A-Z0-9_]+$`, failure.Error.Reason)
			require.True(t, strings.HasPrefix(failure.Error.Details, tt.param), failure.Error.Details)
			require.Zero(t, a.cluster.Writes, "nothing was written")
		})
	}
}

func TestBoundsAreInclusive(t *testing.T) {
	entries := make([]string, 1000)
	for i := range entries {
		entries[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	cids := make([]string, 10)
	for i := range cids {
		cids[i] = testCID(i).String()
	}
	a := newTestAPI(t)
	got := a.pin(http.MethodPost, "/pins",
		`{"cid":"`+cids[0]+`","name":"`+strings.Repeat("😀", 255)+`","meta":{`+strings.Join(entries, ",")+`}}`)
	require.Len(t, got.Pin.Meta, 1000)
	require.Equal(t, 1, a.list("name="+url.QueryEscape(strings.Repeat("😀", 255))).Count)
	require.Equal(t, 1, a.list("cid="+strings.Join(cids, ",")).Count)
	require.Equal(t, 1, a.list("limit=1000").Count)
}

func TestClusterErrors(t *testing.T) {
	c := testCID(1).String()
	for name, tt := range map[string]struct {
		err     error
		status  int
		reason  string
		methods string // that can meet it
	}{
		"follower":    {pinset.ErrReadOnly, 403, "READ_ONLY", "POST DELETE"},
		"too large":   {pinset.ErrTooLarge, 413, "TOO_LARGE", "POST"},
		"unavailable": {pinset.Unavailable("no", nil), 503, "UNAVAILABLE", "GET POST DELETE"},
		"late":        {fmt.Errorf("asking: %w", errLate{}), 503, "UNAVAILABLE", "GET POST DELETE"},
		"anything":    {fmt.Errorf("secret path /etc"), 500, "INTERNAL_SERVER_ERROR", "GET POST DELETE"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			a.cluster.Errs = []error{tt.err}
			for _, rq := range [][3]string{
				{"POST", "/pins", `{"cid":"` + c + `"}`}, {"POST", "/pins/" + c, `{"cid":"` + c + `"}`},
				{"DELETE", "/pins/" + c, ""}, {"GET", "/pins/" + c, ""}, {"GET", "/pins", ""}, {"GET", "/pins?cid=" + c, ""},
			} {
				if !strings.Contains(tt.methods, rq[0]) {
					continue
				}
				rec := a.record(rq[0], rq[1], rq[2])
				require.Equal(t, tt.status, rec.Code, rq)
				require.Contains(t, rec.Body.String(), `"reason":"`+tt.reason+`"`)
				require.NotContains(t, rec.Body.String(), "secret")
				require.Equal(t, tt.status == 503, rec.Header().Get("Retry-After") != "")
				require.Zero(t, a.cluster.Writes)
			}
		})
	}
}

// errLate is a deadline's error.
type errLate struct{}

func (errLate) Error() string   { return "late" }
func (errLate) Is(t error) bool { return t.Error() == "context deadline exceeded" }
