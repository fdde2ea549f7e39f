package restapi

import (
	"errors"
	"net/url"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// The texts are the library's, as they come over RPC.
func TestTranslate(t *testing.T) {
	for text, want := range map[string]int{
		state.ErrNotFound.Error(): 404,
		"this peer is configured to be in follower mode. Write operations are disabled":                                             403,
		"the pin is larger than 1 MiB with its name, meta and origins: it takes 1048577 bytes":                                      413,
		"pin.ExpireAt set before current time":                                                                                      400,
		"cluster.replication_factor_min is larger than max":                                                                         400,
		"bad replication factors: 0/0":                                                                                              400,
		"cannot repin CID with different tracking method, clear state with pin rm to proceed. New: pin. Was: meta-pin":              400,
		"cannot repin a CID which is already pinned in recursive mode (new pin is pinned as direct). Unpin it first.":               400,
		"cannot unpin a shard directly. Unpin content root CID instead":                                                             400,
		"cannot unpin a Cluster DAG directly. Unpin content root CID instead":                                                       400,
		"this pin type cannot be updated":                                                                                           400,
		"crdt consensus component cannot remove peers":                                                                              400,
		"cannot remove ourselves from a 1-peer cluster":                                                                             400,
		`IPFS error (resolve?arg=x). Code: 500. Message: no link named "x" under Qm`:                                                404,
		`resolving /ipfs/Qm/x: no link named "the pin is larger than 1 MiB" under Qm: no link`:                                      404,
		"could not resolve name /ipns/x: routing: not found":                                                                        404,
		"resolving /ipfs/Qm/x: block Qm of the path cannot be read: proto":                                                          400,
		"/ipns/x cannot be looked up now: lookup x: timeout":                                                                        503,
		"no peer has delivered the blocks of the path within 1m0s":                                                                  503,
		"no peer has delivered the block Qm: ipld: could not find Qm":                                                               503,
		"block Qm: its data has another hash (Qn)":                                                                                  400,
		"storage limit reached: 1 B of 1 B are in use":                                                                              503,
		"the IPFS node is not running":                                                                                              503,
		"the IPFS node does not answer":                                                                                             503,
		"pin Qm: nothing was collected: ipld: could not find Qm":                                                                    503,
		"not enough peers to allocate CID. Needed at least: 2. Wanted at most: 2. Available candidates: 1. See logs for more info.": 503,
		"the write was accepted but this peer's state does not show it yet":                                                         503,
		"failed to put block on all destinations":                                                                                   503,
		"error batching item: batching max_queue_size reached. Too many operations are waiting to be batched. Try x":                503,
		`the disk is full: 1 B is left for the folder "pebble"`:                                                                     503,
		"write /x: no space left on device":                                                                                         503,
		"timed out waiting for leader: context deadline exceeded":                                                                   503,
		"dial tcp 127.0.0.1:5001: connect: connection refused":                                                                      503,
		"context deadline exceeded":                                                                                                 503,
		"cluster is shutdown":                                                                                                       503,
		"something else":                                                                                                            500,
	} {
		t.Run(text, func(t *testing.T) {
			require.Equal(t, want, failure(pinset.Translate(errors.New(text))).Status)
		})
	}
	require.NoError(t, pinset.Translate(nil))
	require.Equal(t, 404, failure(pinset.Translate(pinset.ErrNotFound)).Status, "our own are known")
}

// Every error of a Cluster that crosses RPC is known again.
func TestOwnErrorsCrossTheWire(t *testing.T) {
	for _, err := range []error{pinset.ErrNotFound, pinset.ErrTooLarge} {
		require.ErrorIs(t, pinset.Translate(errors.New(err.Error())), err)
	}
}

// Whatever a query says, it is understood or a 400, and never sets what is
// reserved.
func FuzzPinOptions(f *testing.F) {
	for _, seed := range []string{
		"", "name=n&replication=2&meta-k=v", "mode=direct&user-allocations=" + peer1.String(), "expire-in=1h&origins=/ip4/1.2.3.4/p2p/" + peer1.String(),
		"meta-pinsvc-created=x", "pin-update=" + cidA.String(), "expire-at=2030-01-01T00:00:00Z", "meta-=x&shard-size=-1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		options, err := query{values}.pinOptions()
		if err != nil {
			require.Equal(t, 400, failure(err).Status)
			return
		}
		for key := range options.Metadata {
			require.False(t, pinset.IsReserved(key))
		}
		again, err := options.ToQuery()
		require.NoError(t, err)
		values, err = url.ParseQuery(again)
		require.NoError(t, err)
		same, err := query{values}.pinOptions()
		if err == nil { // the library writes metadata keys that it does not read
			require.True(t, options.Equals(same), "%+v\n%+v", options, same)
		}
	})
}

func FuzzLists(f *testing.F) {
	for _, seed := range []string{"", "pinned", "pinned,error", "pin, meta-pin", cidA.String() + "," + cidB.String(), ",,", "all"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := query{url.Values{"filter": {text}, "cids": {text}, "local": {text}}}
		statuses, err := q.statuses()
		require.True(t, err == nil || failure(err).Status == 400)
		require.GreaterOrEqual(t, statuses, api.TrackerStatusUndefined)
		types, err := q.pinTypes()
		require.True(t, (err == nil) == (types != 0))
		cids, err := q.cids()
		require.True(t, err == nil || len(cids) == 0)
		_, err = q.scope()
		require.True(t, err == nil || failure(err).Status == 400)
	})
}
