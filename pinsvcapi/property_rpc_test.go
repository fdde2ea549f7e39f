package pinsvcapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The same property as on the fake cluster, from the request down to gorpc and
// the library's own state.
func TestListOverRPCIsTheReference(t *testing.T) {
	f := newRPCFake(t, 3)
	rapid.Check(t, func(t *rapid.T) {
		f.reset(t)
		a := f.newAPI(t)
		pins := drawRPCPinset(t, f, a)
		q := drawQuery(t, pins)
		checkPage(t, a, pins, q, q.render(t))
		checkWalk(t, a, pins, q)
	})
}

// trackerWords are the statuses that a tracker holds in memory, and what they
// mean to a client.
var trackerWords = []struct {
	status api.TrackerStatus
	word   string
}{
	{api.TrackerStatusUndefined, "pinned"}, // none, so the IPFS node is asked
	{api.TrackerStatusUndefined, "pinned"},
	{api.TrackerStatusUndefined, "pinned"},
	{api.TrackerStatusPinQueued, "queued"},
	{api.TrackerStatusPinning, "pinning"},
	{api.TrackerStatusPinError, "failed"},
	{api.TrackerStatusUnpinQueued, "queued"},
	{api.TrackerStatusUnpinning, "queued"},
	{api.TrackerStatusUnpinError, "queued"},
}

// drawRPCPinset fills the cluster with pins of every type, written by this and
// by older peers, and returns those that a client sees.
func drawRPCPinset(t *rapid.T, f *rpcFake, a *testAPI) (pins []refPin) {
	f.members = f.members[:rapid.IntRange(1, len(f.peers)).Draw(t, "members")]
	for _, c := range drawCIDs(t) {
		stored := drawStored(t, f, c)
		f.store(t, stored)
		ref := refPin{id: c.String(), name: stored.Name, need: max(1, stored.ReplicationFactorMin)}
		ref.meta = maps.Clone(stored.Metadata)
		delete(ref.meta, "pinsvc-created")
		holders := stored.Allocations
		switch {
		case stored.Type == api.MetaType:
			ref.words, holders, ref.need = []string{"pinned"}, nil, 1
		case len(holders) == 0:
			holders = f.members
		}
		for _, p := range f.peers {
			drawn := rapid.SampledFrom(trackerWords).Draw(t, "tracker status")
			if drawn.status != api.TrackerStatusUndefined && stored.Type != api.MetaType {
				p.says(c, drawn.status) // a peer that does not hold the pin may say anything
			}
			if slices.Contains(holders, p.id) {
				ref.words = append(ref.words, drawn.word)
			}
		}
		if stored.Type == api.DataType || stored.Type == api.MetaType {
			ref.created = createdOnTheWire(t, a, stored)
			pins = append(pins, ref)
		}
	}
	return pins
}

// drawStored returns an entry of the state. A third of them are without the
// reserved key, as older peers write them.
func drawStored(t *rapid.T, f *rpcFake, c cid.Cid) api.Pin {
	opts := api.PinOptions{
		Name: drawName(t), Metadata: drawMeta(t), ReplicationFactorMin: -1, ReplicationFactorMax: -1,
	}
	if n := rapid.IntRange(0, len(f.members)).Draw(t, "allocations"); n > 0 {
		opts.ReplicationFactorMin = rapid.IntRange(1, n).Draw(t, "minimum")
		opts.ReplicationFactorMax = n
	}
	if rapid.IntRange(0, 2).Draw(t, "written by an older peer") > 0 {
		opts.Metadata = maps.Clone(opts.Metadata)
		if opts.Metadata == nil {
			opts.Metadata = make(map[string]string)
		}
		at := testEpoch.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "created")) * time.Millisecond)
		opts.Metadata["pinsvc-created"] = at.Format("2006-01-02T15:04:05.000Z")
	}
	s := api.PinWithOpts(api.NewCid(c), opts)
	s.Timestamp = testEpoch.Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "second")) * time.Second)
	ref := api.NewCid(testCID(2000))
	switch rapid.IntRange(0, 9).Draw(t, "type") {
	case 0:
		s.Type, s.Reference = api.MetaType, &ref
		return s
	case 1:
		s.Type, s.Reference, s.MaxDepth = api.ClusterDAGType, &ref, 0
	case 2:
		s.Type, s.MaxDepth = api.ShardType, 1
	}
	if opts.ReplicationFactorMax > 0 {
		s.Allocations = append([]peer.ID(nil), f.members[:opts.ReplicationFactorMax]...)
	}
	return s
}

// createdOnTheWire returns the `created` that a pin has. Of a pin without the
// reserved key it is only known that it is in the second of its timestamp.
func createdOnTheWire(t *rapid.T, a *testAPI, stored api.Pin) int64 {
	code, body := a.do(http.MethodGet, "/pins/"+stored.Cid.String(), "")
	require.Equal(t, http.StatusOK, code, body)
	var got struct{ Created string }
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	if want, ok := stored.Metadata["pinsvc-created"]; ok {
		require.Equal(t, want, got.Created)
	}
	at, err := time.Parse(time.RFC3339, got.Created)
	require.NoError(t, err)
	if _, ok := stored.Metadata["pinsvc-created"]; !ok {
		require.Equal(t, stored.Timestamp.Unix(), at.Unix())
	}
	return at.UnixMilli()
}
