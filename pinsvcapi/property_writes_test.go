package pinsvcapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Whatever clients write, in any order and over any pinset, the cluster's state
// is what the design says: through the handler and the real adapter, on a peer
// that shows its writes at once or a little later.
func TestWritesAreTheModel(t *testing.T) {
	f := newRPCFake(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		f.reset(t)
		w := &writer{t: t, f: f, a: f.newAPI(t), pins: make(map[string]modelPin)}
		w.fill()
		t.Repeat(map[string]func(*rapid.T){
			"":        w.check,
			"add":     w.add,
			"replace": w.replace,
			"delete":  w.remove,
		})
	})
}

// modelPin is what the design says about one entry of the state.
type modelPin struct {
	name     string
	meta     map[string]string
	origins  []string
	created  string // as on the wire
	expires  int64  // seconds, 0: never
	expired  bool
	min, max int
	sharded  bool
	hidden   bool // a shard: no client sees it
}

// writer is a client that knows what should be there.
type writer struct {
	t    *rapid.T
	f    *rpcFake
	a    *testAPI
	pins map[string]modelPin // by CID
	last string              // the newest `created` of a new pin
}

// manyCIDs are the ones that the writer uses: few, so that they meet.
func manyCIDs() []cid.Cid {
	v1 := cid.NewCidV1(cid.DagProtobuf, testCID(1).Hash())
	return []cid.Cid{testCID(0), v1, cid.NewCidV0(v1.Hash()), testCID(2), testCID(3)}
}

// fill stores what other ways into a cluster leave behind.
func (w *writer) fill() {
	for _, c := range manyCIDs() {
		kind := rapid.SampledFrom([]string{
			"none", "none", "data", "direct", "sharded", "shard", "expired", "expired sharded", "expiring",
		}).Draw(w.t, "kind")
		if kind == "none" {
			continue
		}
		m := modelPin{name: "by another way", meta: map[string]string{"old": "1"}, created: "2020-07-27T17:32:28.276Z", min: 1, max: 2}
		stored := api.PinWithOpts(api.NewCid(c), api.PinOptions{
			Name: m.name, Metadata: map[string]string{"old": "1", "pinsvc-created": m.created},
			ReplicationFactorMin: 1, ReplicationFactorMax: 2,
		})
		stored.Timestamp = testEpoch
		stored.Allocations = w.f.members[:1]
		ref := api.NewCid(testCID(99))
		switch kind {
		case "direct":
			stored.Mode, stored.MaxDepth = api.PinModeDirect, 0
		case "sharded", "expired sharded":
			stored.Type, stored.Reference, stored.Allocations = api.MetaType, &ref, nil
			m.sharded = true
		case "shard":
			stored.Type, stored.MaxDepth = api.ShardType, 1
			m.hidden = true
		case "expiring":
			stored.ExpireAt = time.Now().Add(time.Hour)
		}
		if strings.HasPrefix(kind, "expired") {
			stored.ExpireAt, m.expired = time.Now().Add(-time.Hour), true
		}
		if !stored.ExpireAt.IsZero() {
			m.expires = stored.ExpireAt.Unix()
		}
		w.f.store(w.t, stored)
		w.pins[c.String()] = m
	}
}

// body draws what a client sends.
func (w *writer) body(t *rapid.T) (c cid.Cid, m modelPin, body string) {
	c = rapid.SampledFrom(manyCIDs()).Draw(t, "cid")
	fields := map[string]any{"cid": c.String()}
	if old, ok := w.pins[c.String()]; ok && rapid.Bool().Draw(t, "the same again") {
		m.name, m.meta, m.origins = old.name, old.meta, old.origins
		fields["name"], fields["meta"], fields["origins"] = m.name, m.meta, m.origins
		raw, err := json.Marshal(fields)
		require.NoError(t, err)
		return c, m, string(raw)
	}
	if rapid.Bool().Draw(t, "with name") {
		m.name = rapid.SampledFrom([]string{"a", "漢字", ""}).Draw(t, "name")
		fields["name"] = m.name
	}
	if rapid.Bool().Draw(t, "with meta") {
		m.meta = drawMeta(t)
		fields["meta"] = m.meta
	}
	if rapid.Bool().Draw(t, "with origins") {
		m.origins = []string{"/ip4/203.0.113.9/tcp/4001/p2p/12D3KooWGRUmMfQSKDTdpUGLQKbRdQTiiXCgBqUH8gXmCjg2DXvo"}
		fields["origins"] = append([]string{"not an address"}, m.origins...)
	}
	raw, err := json.Marshal(fields)
	require.NoError(t, err)
	return c, m, string(raw)
}

func (w *writer) add(t *rapid.T) {
	w.late(t)
	c, m, body := w.body(t)
	code, text := w.a.do(http.MethodPost, "/pins", body)
	w.accepted(t, c, m, code, text)
}

// late makes the next write show after some looks into the state.
func (w *writer) late(t *rapid.T) {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.f.lag = rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 3}).Draw(t, "lag")
}

// accepted puts a write into the model and compares the answer.
func (w *writer) accepted(t *rapid.T, c cid.Cid, m modelPin, code int, text string) bool {
	id := c.String()
	old, exists := w.pins[id]
	if old.hidden {
		require.Equal(t, http.StatusBadRequest, code, text)
		require.Contains(t, text, `"details":"cid: `)
		return false
	}
	require.Equal(t, http.StatusAccepted, code, text)
	var got statusJSON
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	if exists && !old.expired {
		m.created, m.expires, m.min, m.max, m.sharded = old.created, old.expires, old.min, old.max, old.sharded
	} else {
		m.sharded = old.sharded // its blocks are pinned through its shards as long as these are there
		m.created, m.min, m.max = got.Created, -1, -1
		require.Greater(t, got.Created, w.last, "new pins are newer than those before")
		at, err := time.Parse(time.RFC3339, got.Created)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, 2*time.Second)
		w.last = got.Created
	}
	w.pins[id] = m
	w.compare(t, id, m, got)
	return true
}

func (w *writer) replace(t *rapid.T) {
	w.late(t)
	id := rapid.SampledFrom(manyCIDs()).Draw(t, "requestid")
	c, m, body := w.body(t)
	stored := w.found(id)
	old, exists := w.pins[stored]
	code, text := w.a.do(http.MethodPost, "/pins/"+drawEncoding(t, id), body)
	if !exists || old.hidden {
		require.Equal(t, http.StatusNotFound, code, text)
		return
	}
	if w.accepted(t, c, m, code, text) && c.String() != stored {
		delete(w.pins, stored)
	}
}

func (w *writer) remove(t *rapid.T) {
	w.late(t)
	id := rapid.SampledFrom(manyCIDs()).Draw(t, "requestid")
	stored := w.found(id)
	old, exists := w.pins[stored]
	code, text := w.a.do(http.MethodDelete, "/pins/"+drawEncoding(t, id), "")
	if !exists || old.hidden {
		require.Equal(t, http.StatusNotFound, code, text)
		return
	}
	require.Equal(t, http.StatusAccepted, code, text)
	require.Empty(t, text)
	delete(w.pins, stored)
}

// found returns the CID of the pin that a request ID finds.
func (w *writer) found(id cid.Cid) string {
	return found(id.String(), func(id string) bool {
		m, ok := w.pins[id]
		return ok && !m.hidden
	})
}

// check compares everything that is there, on the wire and in the state.
func (w *writer) check(t *rapid.T) {
	shown := 0
	for _, c := range manyCIDs() {
		m, exists := w.pins[c.String()]
		code, text := w.a.do(http.MethodGet, "/pins/"+c.String(), "")
		if exists {
			w.checkStored(t, c, m)
		}
		id := w.found(c)
		answer, exists := w.pins[id]
		if !exists || answer.hidden {
			require.Equal(t, http.StatusNotFound, code, text)
			continue
		}
		if id == c.String() {
			shown++
		}
		require.Equal(t, http.StatusOK, code, text)
		var got statusJSON
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		w.compare(t, id, answer, got)
	}
	require.Equal(t, shown, getPage(t, w.a, "limit=1000").Count)
	stored := make(chan api.Pin, 100)
	require.NoError(t, w.f.state.List(context.Background(), stored))
	require.Len(t, stored, len(w.pins))
}

// compare holds an answer against the model.
func (w *writer) compare(t *rapid.T, id string, m modelPin, got statusJSON) {
	require.Equal(t, id, got.RequestID)
	require.Equal(t, pinJSON{CID: id, Name: m.name, Origins: m.origins, Meta: m.meta}, got.Pin)
	require.Equal(t, m.created, got.Created)
	require.Equal(t, pinset.StatusPinned, got.Status)
	until := ""
	if m.expires != 0 {
		until = time.Unix(m.expires, 0).UTC().Format(time.RFC3339)
	}
	require.Equal(t, until, got.Info["pinned_until"])
}

// checkStored holds the state against the model.
func (w *writer) checkStored(t *rapid.T, c cid.Cid, m modelPin) {
	s := w.f.stored(t, c)
	meta := maps.Clone(m.meta)
	if meta == nil {
		meta = make(map[string]string)
	}
	meta["pinsvc-created"] = m.created
	require.Equal(t, meta, s.Metadata)
	require.Equal(t, m.name, s.Name)
	require.Equal(t, [2]int{m.min, m.max}, [2]int{s.ReplicationFactorMin, s.ReplicationFactorMax})
	require.Equal(t, m.sharded, s.Type == api.MetaType)
	require.Equal(t, m.sharded, s.Reference != nil)
	if m.expires == 0 {
		require.True(t, s.ExpireAt.IsZero() || s.ExpireAt.Unix() == 0, s.ExpireAt)
	} else {
		require.Equal(t, m.expires, s.ExpireAt.Unix())
	}
	written := slices.ContainsFunc(w.f.sent, func(p api.Pin) bool { return p.Cid.Equals(s.Cid) })
	if written && !m.hidden {
		require.Equal(t, api.PinModeRecursive, s.Mode, fmt.Sprint(s))
	}
}
