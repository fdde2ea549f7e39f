package view

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/api/pb"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// entry is an entry of a state, as it is stored.
type entry struct{ cid, pin []byte }

// entriesOf goes through entries as a datastore does, in one buffer.
func entriesOf(entries []entry) pinset.Entries {
	return func(_ context.Context, fn func(cid, pin []byte) error) error {
		var buffer []byte
		for _, e := range entries {
			buffer = append(append(buffer[:0], e.cid...), e.pin...)
			if err := fn(buffer[:len(e.cid)], buffer[len(e.cid):]); err != nil {
				return err
			}
			clear(buffer)
		}
		return nil
	}
}

// anyPin draws an entry of the state.
func anyPin(t *rapid.T) api.Pin {
	sum, err := multihash.Sum(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "content"), multihash.SHA2_256, -1)
	require.NoError(t, err)
	c := rapid.SampledFrom([]cid.Cid{cid.NewCidV0(sum), cid.NewCidV1(cid.Raw, sum), cid.NewCidV1(cid.DagCBOR, sum)}).Draw(t, "cid")
	name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "name", "name\x00", strings.Repeat("n", 255)}))
	key := rapid.OneOf(name, rapid.SampledFrom([]string{pinset.CreatedKey, "pinsvc-other", "app"}))
	value := rapid.OneOf(name, rapid.SampledFrom([]string{
		pinset.EncodeCreated(time.UnixMilli(1_700_000_000_123)), "2024-01-01T00:00:00Z", strings.Repeat("v", 3000),
	}))
	pin := api.PinWithOpts(api.NewCid(c), api.PinOptions{
		Name:                 name.Draw(t, "name"),
		Metadata:             rapid.MapOfN(key, value, 0, 4).Draw(t, "meta"),
		ReplicationFactorMin: rapid.IntRange(-1, 3).Draw(t, "min"),
		ReplicationFactorMax: rapid.IntRange(-1, 3).Draw(t, "max"),
	})
	if rapid.IntRange(0, 5).Draw(t, "origins") == 0 {
		pin.Origins = []api.Multiaddr{api.NewMultiaddrWithValue(multiaddr.StringCast("/ip4/192.0.2.1/tcp/4001"))}
	}
	pin.Type = rapid.SampledFrom([]api.PinType{
		api.DataType, api.DataType, api.MetaType, api.ShardType, api.ClusterDAGType, api.BadType,
	}).Draw(t, "type")
	pin.Allocations = api.StringsToPeers(peers(3)[:rapid.IntRange(0, 3).Draw(t, "allocations")])
	if pin.Timestamp = time.Unix(rapid.Int64Range(0, 2_000_000_000).Draw(t, "timestamp"), 0); pin.Timestamp.Unix() == 0 {
		pin.Timestamp = time.Time{}
	}
	return pin
}

func stored(t require.TestingT, pin api.Pin) entry {
	b, err := pin.ProtoMarshal()
	require.NoError(t, err)
	return entry{pin.Cid.Bytes(), b}
}

// decoded is what the library reads from an entry.
func decoded(e entry) (api.Pin, bool) {
	var pin api.Pin
	err := pin.ProtoUnmarshal(e.pin)
	c, castErr := cid.Cast(e.cid)
	pin.Cid = api.NewCid(c)
	return pin, err == nil && castErr == nil
}

// alike compares what two views list, in each of their orders.
func alike(t require.TestingT, want, got *View) {
	for _, tree := range []func(*index) *tree{
		func(x *index) *tree { return x.byCreated }, func(x *index) *tree { return x.byName }, func(x *index) *tree { return x.byCID },
	} {
		a, b := tree(want.index).Items(), tree(got.index).Items()
		require.Len(t, b, len(a))
		for i := range a {
			one, other := *a[i], *b[i]
			require.Equal(t, one.placement.peers, other.placement.peers)
			require.Equal(t, one.placement.least, other.placement.least)
			require.Equal(t, one.placement.sharded, other.placement.sharded)
			one.placement, other.placement = nil, nil
			require.Equal(t, one, other)
		}
	}
}

// built builds a view of entries, by Entries or with the library's own reading.
func built(t require.TestingT, entries []entry, quick bool) *View {
	f := newFakeSource("peer1")
	for _, e := range entries {
		if pin, ok := decoded(e); ok {
			f.pins[pin.Cid.Cid] = pin
		}
	}
	v := New(Options{})
	if quick {
		v.Through(entriesOf(entries))
	}
	v.Before(f)
	require.NoError(t, v.build())
	require.Equal(t, quick, f.scans == 0)
	v.Close()
	return v
}

// The quick way through a state lists what the library's does.
func TestEntriesListTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []entry
		for _, pin := range rapid.SliceOfNDistinct(rapid.Custom(anyPin), 0, 30, func(p api.Pin) string { return p.Cid.String() }).Draw(t, "pins") {
			e := stored(t, pin)
			if rapid.IntRange(0, 9).Draw(t, "damaged") == 0 {
				e.pin = slices.Clone(e.pin)
				e.pin[rapid.IntRange(0, len(e.pin)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "byte")
			}
			entries = append(entries, e)
		}
		if rapid.Bool().Draw(t, "sorted") {
			slices.SortFunc(entries, func(a, b entry) int { return compareBase32(string(a.cid), string(b.cid)) })
		}
		alike(t, built(t, entries, false), built(t, entries, true))
	})
}

// Entries of more than one parcel, among them those of old peers, which keep metadata
// in a field of its own, are all there, and in order.
func TestManyEntries(t *testing.T) {
	var entries []entry
	for i := range 3000 {
		pin := testPin(i)
		pin.Metadata["app"] = strings.Repeat("x", i%300)
		e := stored(t, pin)
		if i%7 == 0 {
			var old pb.Pin
			require.NoError(t, proto.Unmarshal(e.pin, &old))
			//lint:ignore SA1019 what old peers have written
			old.Options.Metadata = pin.Metadata
			old.Options.SortedMetadata = nil
			b, err := proto.Marshal(&old)
			require.NoError(t, err)
			e.pin = b
		}
		entries = append(entries, e)
	}
	quick := built(t, entries, true)
	require.Equal(t, 3000, quick.Size())
	alike(t, built(t, entries, false), quick)
}

// A comparison with the state repairs the view also when it reads the entries.
func TestComparisonReadsTheEntries(t *testing.T) {
	entries := make([]entry, 0, 1000)
	for i := range 1000 {
		entries = append(entries, stored(t, testPin(i)))
	}
	f := newFakeSource("peer1")
	for _, e := range entries {
		pin, _ := decoded(e)
		f.pins[pin.Cid.Cid] = pin
	}
	v := New(Options{})
	t.Cleanup(v.Close)
	v.Through(entriesOf(entries))
	v.Before(f)
	require.NoError(t, v.build())
	want := v.index.byCreated.Items()

	v.mu.Lock()
	v.drop(testPin(1).Cid.KeyString())
	renamed, extra := testPin(2), testPin(1000)
	renamed.Name = "renamed"
	v.set(renamed)
	v.set(extra)
	v.mu.Unlock()
	require.NoError(t, v.compare())
	require.Zero(t, f.scans)
	got := v.index.byCreated.Items()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].data, got[i].data)
		require.Equal(t, want[i].created, got[i].created)
	}
}

// FuzzStored: whatever is stored, the quick way reads what the library reads.
func FuzzStored(f *testing.F) {
	pin := testPin(1)
	pin.Metadata["app"] = "x"
	pin.Allocations = api.StringsToPeers(peers(2))
	b, err := pin.ProtoMarshal()
	require.NoError(f, err)
	f.Add(b)
	f.Add(bytes.Repeat(b, 2))
	key := pin.Cid.Bytes()
	f.Fuzz(func(t *testing.T, b []byte) {
		entries := []entry{{key, b}}
		alike(t, built(t, entries, false), built(t, entries, true))
	})
}
