package pinset_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/bench/pinset"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

func TestNewestFirstAndDistinct(t *testing.T) {
	for _, n := range []int{1, 10, 5000} {
		var last time.Time
		seen := map[cid.Cid]bool{}
		for p := range (pinset.Set{N: n}).Newest() {
			require.False(t, seen[p.CID])
			seen[p.CID] = true
			if !last.IsZero() {
				require.True(t, p.Created.Before(last), "%s is not before %s", p.Created, last)
			}
			last = p.Created
			require.True(t, p.Created.Equal(p.Created.Truncate(time.Millisecond)))
			require.True(t, p.Created.Before(time.Now()))
		}
		require.Len(t, seen, n)
	}
}

func TestShares(t *testing.T) {
	set := pinset.Set{N: 1000}
	apps, names := map[string]int{}, map[string]int{}
	for p := range set.Newest() {
		apps[p.Meta["app"]]++
		names[p.Name]++
	}
	require.Len(t, apps, pinset.Applications)
	require.Equal(t, 100, apps["app-3"])
	require.Len(t, names, 1000, "names are distinct")
}

func TestFreshPinsAreOthers(t *testing.T) {
	set := pinset.Set{N: 10}
	known := map[cid.Cid]bool{}
	for _, c := range set.CIDs() {
		known[c] = true
	}
	for _, series := range []string{"a", "b"} {
		for i := range 10 {
			c := pinset.Fresh(series, i).CID
			require.False(t, known[c])
			known[c] = true
		}
	}
}

// What the library reads is what was generated, with the `created` that the
// service will show.
func TestExport(t *testing.T) {
	set := pinset.Set{N: 50}
	var first, second bytes.Buffer
	require.NoError(t, set.Export(&first))
	require.NoError(t, set.Export(&second))
	require.Equal(t, first.String(), second.String())

	dec := json.NewDecoder(&first)
	for want := range set.Newest() {
		var got api.Pin
		require.NoError(t, dec.Decode(&got))
		require.Equal(t, want.CID, got.Cid.Cid)
		require.Equal(t, want.Name, got.Name)
		require.Equal(t, want.Meta["app"], got.Metadata["app"])
		require.Equal(t, want.Created, pinsvcapi.CreatedOf(got.Metadata, got.Timestamp, got.Cid.Cid))
		require.Equal(t, want.Created.Truncate(time.Second), got.Timestamp.UTC())
		require.Equal(t, api.DataType, got.Type)
		require.Equal(t, api.PinModeRecursive, got.Mode)
		require.True(t, got.IsPinEverywhere())
		require.EqualValues(t, -1, got.MaxDepth)
	}
	var rest api.Pin
	require.True(t, errors.Is(dec.Decode(&rest), io.EOF))
}
