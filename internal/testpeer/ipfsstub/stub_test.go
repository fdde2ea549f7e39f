package ipfsstub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/ipfsstub"
)

// setup starts a stub and the connector that a peer would talk to it with.
func setup(t *testing.T) (*ipfsstub.Stub, *ipfshttp.Connector) {
	t.Helper()
	stub, err := ipfsstub.Start()
	require.NoError(t, err)
	t.Cleanup(func() { stub.Close() })
	cfg := &ipfshttp.Config{}
	require.NoError(t, cfg.Default())
	cfg.NodeAddr, err = multiaddr.NewMultiaddr(stub.Multiaddr())
	require.NoError(t, err)
	conn, err := ipfshttp.NewConnector(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Shutdown(context.Background()) })
	return stub, conn
}

func testCID(t *testing.T, data string) cid.Cid {
	t.Helper()
	hash, err := multihash.Sum([]byte(data), multihash.SHA2_256, -1)
	require.NoError(t, err)
	return cid.NewCidV1(cid.Raw, hash)
}

func pinOf(c cid.Cid, mode api.PinMode) api.Pin {
	return api.PinWithOpts(api.NewCid(c), api.PinOptions{Mode: mode})
}

func TestPinsAreRemembered(t *testing.T) {
	stub, conn := setup(t)
	ctx := t.Context()
	tree, leaf := testCID(t, "tree"), testCID(t, "leaf")
	require.NoError(t, conn.Pin(ctx, pinOf(tree, api.PinModeRecursive)))
	require.NoError(t, conn.Pin(ctx, pinOf(leaf, api.PinModeDirect)))
	require.True(t, stub.Pinned(tree))
	require.Equal(t, 2, stub.Count())

	status, err := conn.PinLsCid(ctx, pinOf(tree, api.PinModeRecursive))
	require.NoError(t, err)
	require.Equal(t, api.IPFSPinStatusRecursive, status)
	status, err = conn.PinLsCid(ctx, pinOf(tree, api.PinModeDirect))
	require.NoError(t, err)
	require.Equal(t, api.IPFSPinStatusUnpinned, status)
	status, err = conn.PinLsCid(ctx, pinOf(leaf, api.PinModeDirect))
	require.NoError(t, err)
	require.Equal(t, api.IPFSPinStatusDirect, status)

	require.Equal(t, []cid.Cid{tree}, list(t, conn, "recursive"))
	require.Equal(t, []cid.Cid{leaf}, list(t, conn, "direct"))

	require.NoError(t, conn.Unpin(ctx, api.NewCid(tree)))
	require.NoError(t, conn.Unpin(ctx, api.NewCid(tree)), "not pinned is no error for the connector")
	require.False(t, stub.Pinned(tree))
}

func list(t *testing.T, conn *ipfshttp.Connector, mode string) []cid.Cid {
	t.Helper()
	out := make(chan api.IPFSPinInfo, 10)
	require.NoError(t, conn.PinLs(t.Context(), []string{mode}, out))
	var found []cid.Cid
	for p := range out {
		found = append(found, p.Cid.Cid)
	}
	return found
}

func TestPinsOfTheCaller(t *testing.T) {
	stub, conn := setup(t)
	c := testCID(t, "given")
	stub.Pin(c)
	require.Equal(t, []cid.Cid{c}, list(t, conn, "recursive"))
	stub.Unpin(c)
	require.Empty(t, list(t, conn, "recursive"))
}

func TestPinUpdate(t *testing.T) {
	stub, conn := setup(t)
	from, to := testCID(t, "from"), testCID(t, "to")
	stub.Pin(from)
	pin := pinOf(to, api.PinModeRecursive)
	pin.PinUpdate = api.NewCid(from)
	require.NoError(t, conn.Pin(t.Context(), pin))
	require.Equal(t, 1, stub.Requests("pin/update"))
	require.True(t, stub.Pinned(from))
	require.True(t, stub.Pinned(to))
}

func TestHeldPinsWait(t *testing.T) {
	stub, conn := setup(t)
	c := testCID(t, "held")
	stub.HoldPins()

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- conn.Pin(ctx, pinOf(c, api.PinModeRecursive)) }()
	reached := func() bool { return stub.Requests("pin/add") == 1 }
	require.Eventually(t, reached, time.Minute, time.Millisecond)
	cancel()
	require.Error(t, <-done)
	require.False(t, stub.Pinned(c))

	go func() { done <- conn.Pin(t.Context(), pinOf(c, api.PinModeRecursive)) }()
	reached = func() bool { return stub.Requests("pin/add") == 2 }
	require.Eventually(t, reached, time.Minute, time.Millisecond)
	require.False(t, stub.Pinned(c))
	stub.ReleasePins()
	require.NoError(t, <-done)
	require.True(t, stub.Pinned(c))
}

func TestFailedPins(t *testing.T) {
	stub, conn := setup(t)
	c := testCID(t, "failing")
	stub.FailPins("the disk is full")
	require.ErrorContains(t, conn.Pin(t.Context(), pinOf(c, api.PinModeRecursive)), "the disk is full")
	stub.FailPins("")
	require.NoError(t, conn.Pin(t.Context(), pinOf(c, api.PinModeRecursive)))
}

func TestAway(t *testing.T) {
	stub, conn := setup(t)
	stub.SetAway(true)
	_, err := conn.ID(t.Context())
	require.Error(t, err)
	stub.SetAway(false)
	id, err := conn.ID(t.Context())
	require.NoError(t, err)
	require.Equal(t, stub.ID(), id.ID)
	require.Len(t, id.Addresses, 1)
	require.True(t, strings.HasSuffix(id.Addresses[0].String(), "/p2p/"+stub.ID().String()))
}

func TestBlocks(t *testing.T) {
	_, conn := setup(t)
	blocks := make(chan api.NodeWithMeta, 3)
	var cids []cid.Cid
	for i := range 3 {
		data := fmt.Sprintf("block %d", i)
		cids = append(cids, testCID(t, data))
		blocks <- api.NodeWithMeta{Data: []byte(data), Cid: api.NewCid(cids[i])}
	}
	close(blocks)
	require.NoError(t, conn.BlockStream(t.Context(), blocks))
	for i, c := range cids {
		data, err := conn.BlockGet(t.Context(), api.NewCid(c))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("block %d", i), string(data))
	}
	_, err := conn.BlockGet(t.Context(), api.NewCid(testCID(t, "unknown")))
	require.Error(t, err)
}

func TestTheRestOfTheConnector(t *testing.T) {
	stub, conn := setup(t)
	ctx := t.Context()
	stub.Pin(testCID(t, "one"))

	stat, err := conn.RepoStat(ctx)
	require.NoError(t, err)
	require.Greater(t, stat.StorageMax, stat.RepoSize)
	gc, err := conn.RepoGC(ctx)
	require.NoError(t, err)
	require.Empty(t, gc.Keys)
	peers, err := conn.SwarmPeers(ctx)
	require.NoError(t, err)
	require.Empty(t, peers)
	size, err := conn.ConfigKey("Datastore/StorageMax")
	require.NoError(t, err)
	require.Equal(t, "1TB", size)

	one, err := conn.Resolve(ctx, "/ipns/example.org/one")
	require.NoError(t, err)
	two, err := conn.Resolve(ctx, "/ipns/example.org/two")
	require.NoError(t, err)
	require.NotEqual(t, one, two)
}

// The connector only streams its lists; other clients don't.
func TestListAsOneObject(t *testing.T) {
	stub, _ := setup(t)
	c := testCID(t, "one")
	stub.Pin(c)
	_, host, _ := strings.Cut(stub.Multiaddr(), "/ip4/")
	url := "http://" + strings.Replace(host, "/tcp/", ":", 1) + "/api/v0/"

	res, err := http.Post(url+"pin/ls", "", nil)
	require.NoError(t, err)
	defer res.Body.Close()
	var got struct {
		Keys map[string]struct{ Type string }
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
	require.Len(t, got.Keys, 1)
	require.Equal(t, "recursive", got.Keys[c.String()].Type)

	for path, status := range map[string]int{"no/such": 404, "pin/add": 500, "pin/add?arg=x": 500} {
		res, err := http.Post(url+path, "", nil)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, status, res.StatusCode, path)
	}
	res, err = http.Get(url + "id")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}
