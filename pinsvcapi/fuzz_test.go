package pinsvcapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// The targets read what clients send. Whatever it is, nothing panics, what is
// accepted is within the bounds and allowed by openapi.yaml, what is refused is
// a 400 that names the parameter, and the canonical form of what was
// understood means the same.

// requireNamed checks that an error is the client's and begins with one of
// the names.
func requireNamed(t *testing.T, err error, names ...string) {
	t.Helper()
	var own *pinset.Error
	require.ErrorAs(t, err, &own)
	require.Equal(t, pinset.KindInvalid, own.Kind)
	name, text, ok := strings.Cut(own.Details, ": ")
	require.True(t, ok && text != "", own.Details)
	require.Contains(t, names, name, own.Details)
	require.Less(t, len(own.Details), 1000, "an error does not echo everything")
}

// send hands a request to a handler on an empty cluster and holds the answer
// against the document.
func send(t *testing.T, method string, target *url.URL, body string) int {
	t.Helper()
	a := newTestAPI(t)
	req := httptest.NewRequest(method, "/", strings.NewReader(body))
	req.URL = target
	rec := httptest.NewRecorder()
	a.handler.ServeHTTP(rec, req)
	checkContract(t, method, target.String(), body, rec)
	return rec.Code
}

func FuzzQuery(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw)
		if err != nil {
			requireNamed(t, err, "query", "cid", "name", "match", "meta", "status", "before", "after", "limit")
			require.Equal(t, http.StatusBadRequest, send(t, http.MethodGet, &url.URL{Path: "/pins", RawQuery: raw}, ""))
			return
		}
		require.Equal(t, http.StatusOK, send(t, http.MethodGet, &url.URL{Path: "/pins", RawQuery: raw}, ""))
		requireQueryBounds(t, q)

		given, err := url.ParseQuery(raw)
		require.NoError(t, err)
		first := func(param string) string {
			for _, v := range given[param] {
				if v != "" {
					return v
				}
			}
			return ""
		}
		canonical := canonicalQuery(t, q)
		canonical.Set("name", first("name"))
		canonical.Set("match", first("match"))
		again, err := parseQuery(canonical.Encode())
		require.NoError(t, err, canonical)
		require.Equal(t, q.name == nil, first("name") == "")
		if q.name != nil {
			for _, name := range []string{first("name"), "", strings.ToUpper(first("name")), "x" + first("name")} {
				require.Equal(t, q.name.Matches(name), again.name.Matches(name), name)
			}
			require.True(t, q.name.Matches(first("name")), "a name matches itself in every way")
		}
		q.name, again.name = nil, nil
		require.Equal(t, q, again)
	})
}

func requireQueryBounds(t *testing.T, q query) {
	require.GreaterOrEqual(t, q.limit, 1)
	require.LessOrEqual(t, q.limit, 1000)
	require.LessOrEqual(t, len(q.cids), 10)
	for i, c := range q.cids {
		require.True(t, c.Defined())
		require.NotContains(t, q.cids[:i], c)
	}
	require.NotEmpty(t, q.statuses)
	for i, s := range q.statuses {
		require.Contains(t, []pinset.Status{"queued", "pinning", "pinned", "failed"}, s)
		require.NotContains(t, q.statuses[:i], s)
	}
	for _, at := range []time.Time{q.before, q.after} {
		require.Zero(t, at.Nanosecond()%1e6)
		require.Equal(t, time.UTC, at.Location())
	}
	requireMetaBounds(t, q.meta)
}

func requireMetaBounds(t *testing.T, meta map[string]string) {
	require.LessOrEqual(t, len(meta), 1000)
	for k, v := range meta {
		require.False(t, strings.HasPrefix(k, "pinsvc-"))
		require.True(t, utf8.ValidString(k) && utf8.ValidString(v))
	}
}

// canonicalQuery writes all of a query but the name.
func canonicalQuery(t *testing.T, q query) url.Values {
	v := url.Values{"limit": {strconv.Itoa(q.limit)}}
	for _, c := range q.cids {
		v.Add("cid", c.String())
	}
	for _, s := range q.statuses {
		v.Add("status", string(s))
	}
	if !q.before.IsZero() {
		v.Set("before", q.before.Format(time.RFC3339Nano))
	}
	if !q.after.IsZero() {
		v.Set("after", q.after.Format(time.RFC3339Nano))
	}
	if q.meta != nil {
		raw, err := json.Marshal(q.meta)
		require.NoError(t, err)
		v.Set("meta", string(raw))
	}
	return v
}

func FuzzBody(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw string) {
		b, err := parsePin([]byte(raw))
		code := send(t, http.MethodPost, &url.URL{Path: "/pins"}, raw)
		if err != nil {
			requireNamed(t, err, "body", "cid", "name", "meta", "origins")
			require.Equal(t, http.StatusBadRequest, code)
			return
		}
		require.Equal(t, http.StatusAccepted, code)
		require.True(t, b.cid.Defined())
		require.LessOrEqual(t, utf8.RuneCountInString(b.name), 255)
		require.True(t, utf8.ValidString(b.name))
		require.LessOrEqual(t, len(b.origins), 20)
		for i, o := range b.origins {
			addr, err := multiaddr.NewMultiaddr(o)
			require.NoError(t, err)
			_, err = addr.ValueForProtocol(multiaddr.P_P2P)
			require.NoError(t, err, "only who can be dialled is kept")
			require.False(t, slices.Contains(b.origins[:i], o))
		}
		requireMetaBounds(t, b.meta)

		canonical, err := json.Marshal(pinJSON{CID: b.cid.String(), Name: b.name, Origins: b.origins, Meta: b.meta})
		require.NoError(t, err)
		again, err := parsePin(canonical)
		require.NoError(t, err)
		require.Equal(t, b, again)
	})
}

func FuzzRequestID(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		target, err := url.Parse("/pins/" + url.PathEscape(text))
		require.NoError(t, err)
		if text == "" { // "/pins/" is the list
			require.Equal(t, http.StatusOK, send(t, http.MethodGet, target, ""))
			return
		}
		require.Equal(t, http.StatusNotFound, send(t, http.MethodGet, target, ""))
		c, err := parseCID("cid", text)
		if err != nil {
			requireNamed(t, err, "cid")
			return
		}
		require.LessOrEqual(t, len(text), maxCIDText)
		again, err := cid.Decode(c.String())
		require.NoError(t, err)
		require.Equal(t, c, again)
		require.Regexp(t, `^(Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]+)$`, c.String())
	})
}
