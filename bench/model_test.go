package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/ipfsstub"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// model is a small Pinning Service and cluster REST API with the right
// answers, unless a test bends them.
type model struct {
	stub *ipfsstub.Stub
	bend func(*page)

	mu   sync.Mutex
	pins []pinStatus // newest first
}

// modelBench returns a bench with one contender, which is ours and a model.
func modelBench(t *testing.T, n int) (*bench, *model) {
	t.Helper()
	b, err := newBench(options{
		pins: n, requests: 3, budget: time.Minute, rounds: 2, duration: 20 * time.Millisecond,
		writers: 4, queued: 30, dir: t.TempDir(),
	}, io.Discard)
	require.NoError(t, err)
	m := &model{bend: func(*page) {}}
	m.stub, err = ipfsstub.Start()
	require.NoError(t, err)
	t.Cleanup(func() { m.stub.Close() })
	m.stub.Pin(b.set.CIDs()...)
	for p := range b.set.Newest() {
		m.pins = append(m.pins, statusOf(p, "pinned"))
	}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	api := newClient(process.Endpoint{URL: server.URL})
	b.report.columns = []string{"model"}
	b.contenders = []*contender{{
		program: process.Program{Name: "model"}, ours: true, stub: m.stub,
		pid: os.Getpid(), pins: api, rest: api,
	}}
	return b, m
}

func statusOf(p fixture.Pin, status string) pinStatus {
	s := pinStatus{Status: status, Created: pinset.EncodeCreated(p.Created)}
	s.Pin.CID, s.Pin.Name, s.Pin.Meta = p.CID.String(), p.Name, p.Meta
	return s
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	word, inPath := strings.CutPrefix(r.URL.Path, "/pins/")
	switch {
	case r.Method == http.MethodGet:
		p := m.list(r.URL.Query())
		m.bend(&p)
		json.NewEncoder(w).Encode(p)
	case inPath:
		m.add(word, r.URL.Query().Get("name"))
	default:
		var body struct{ CID, Name string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m.add(body.CID, body.Name)
	}
}

// add pins through the stub, as a peer would.
func (m *model) add(word, name string) {
	c := cid.MustParse(word)
	m.stub.Pin(c)
	s := statusOf(fixture.Pin{CID: c, Name: name, Created: time.Now()}, "pinned")
	m.pins = slices.Insert(m.pins, 0, s)
}

func (m *model) list(q url.Values) page {
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit == 0 {
		limit = 10
	}
	var p page
	for _, s := range m.pins {
		if m.matches(s, q) {
			if p.Count++; p.Count <= limit {
				p.Results = append(p.Results, s)
			}
		}
	}
	return p
}

func (m *model) matches(s pinStatus, q url.Values) bool {
	if v := q.Get("status"); v != "" && !slices.Contains(strings.Split(v, ","), s.Status) {
		return false
	}
	if v := q.Get("cid"); v != "" && v != s.Pin.CID {
		return false
	}
	if v := q.Get("before"); v != "" && s.Created >= v {
		return false
	}
	if v := q.Get("meta"); v != "" && v != `{"app":"`+s.Pin.Meta["app"]+`"}` {
		return false
	}
	name := q.Get("name")
	if q.Get("match") == "ipartial" {
		return strings.Contains(strings.ToLower(s.Pin.Name), strings.ToLower(name))
	}
	return name == "" || name == s.Pin.Name
}
