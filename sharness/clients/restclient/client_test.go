package restclient

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/api/rest/client"
	"github.com/ipfs/boxo/files"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// peerUnderTest is a peer with an IPFS node, and nothing in its pinset that has
// to stay.
type peerUnderTest struct {
	client.Client
	id peer.ID
}

// connect returns a client of the peer that the environment names.
func connect(t *testing.T, password string) client.Client {
	t.Helper()
	addr, err := multiaddr.NewMultiaddr(os.Getenv("REST_ADDRESS"))
	require.NoError(t, err)
	c, err := client.NewDefaultClient(&client.Config{
		APIAddr:      addr,
		SSL:          os.Getenv("REST_TLS") != "",
		NoVerifyCert: true,
		Username:     os.Getenv("REST_USER"),
		Password:     password,
		LogLevel:     "fatal",
	})
	require.NoError(t, err)
	return c
}

// all collects what a method of the client sends.
func all[T any](t *testing.T, list func(chan<- T) error) []T {
	t.Helper()
	out := make(chan T, 1024)
	require.NoError(t, list(out))
	var values []T
	for v := range out {
		values = append(values, v)
	}
	return values
}

// TestClient is one story: each part goes on where the one before it ended.
func TestClient(t *testing.T) {
	if os.Getenv("REST_ADDRESS") == "" {
		t.Skip("REST_ADDRESS is not set: sharness/t0063-rest-client.sh does that")
	}
	id, err := peer.Decode(os.Getenv("REST_ID"))
	require.NoError(t, err)
	p := &peerUnderTest{connect(t, os.Getenv("REST_PASSWORD")), id}
	var added api.Cid
	for _, step := range []struct {
		name string
		part func(*testing.T)
	}{
		{"wrong credentials", wrong},
		{"peers and health", p.health},
		{"add", func(t *testing.T) { added = p.add(t) }},
		{"pin with options", func(t *testing.T) { p.pin(t, added) }},
		{"status and recover", func(t *testing.T) { p.status(t, added) }},
		{"lists", func(t *testing.T) { p.lists(t, added) }},
		{"unpin", func(t *testing.T) { p.unpin(t, added) }},
	} {
		if !t.Run(step.name, step.part) {
			t.FailNow()
		}
	}
}

func wrong(t *testing.T) {
	c := connect(t, "wrong")
	for name, call := range map[string]func(context.Context) error{
		"ID":     func(ctx context.Context) error { _, err := c.ID(ctx); return err },
		"Peers":  func(ctx context.Context) error { return c.Peers(ctx, make(chan api.ID, 10)) },
		"RepoGC": func(ctx context.Context) error { _, err := c.RepoGC(ctx, true); return err },
	} {
		var answer api.Error
		require.True(t, errors.As(call(t.Context()), &answer), name)
		require.Equal(t, 401, answer.Code, name)
	}
	require.NoError(t, c.Health(t.Context()), "open to everybody")
}

func (p *peerUnderTest) health(t *testing.T) {
	ctx := t.Context()
	id, err := p.ID(ctx)
	require.NoError(t, err)
	require.Equal(t, p.id, id.ID)
	version, err := p.Version(ctx)
	require.NoError(t, err)
	require.Equal(t, "1.1.6", version.Version)
	require.Len(t, all(t, func(out chan<- api.ID) error { return p.Peers(ctx, out) }), 1)
	graph, err := p.GetConnectGraph(ctx)
	require.NoError(t, err)
	require.Equal(t, p.id, graph.ClusterID)
	_, err = p.Alerts(ctx)
	require.NoError(t, err)
	_, err = p.BandwidthByProtocol(ctx)
	require.NoError(t, err)
	names, err := p.MetricNames(ctx)
	require.NoError(t, err)
	require.Contains(t, names, "ping")
	metrics, err := p.Metrics(ctx, "ping")
	require.NoError(t, err)
	require.NotEmpty(t, metrics)
	_, err = p.RepoGC(ctx, false)
	require.NoError(t, err)
}

func (p *peerUnderTest) add(t *testing.T) api.Cid {
	folder := files.NewMapDirectory(map[string]files.Node{
		"a": files.NewBytesFile([]byte("a file")), "b": files.NewBytesFile(make([]byte, 1<<20)),
	})
	content := files.NewMultiFileReader(
		files.NewSliceDirectory([]files.DirEntry{files.FileEntry("folder", folder)}), true, false)
	params := api.DefaultAddParams()
	params.Name = "added"
	out := all(t, func(out chan<- api.AddedOutput) error {
		return p.AddMultiFile(t.Context(), content, params, out)
	})
	require.NotEmpty(t, out)
	root := out[len(out)-1]
	require.Equal(t, "folder", root.Name)
	return root.Cid
}

func (p *peerUnderTest) pin(t *testing.T, c api.Cid) {
	options := api.PinOptions{
		Name:                 "n ä&?/",
		ReplicationFactorMin: 1, ReplicationFactorMax: 1,
		Metadata: map[string]string{"k": "v"},
		ExpireAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second),
	}
	_, err := p.Pin(t.Context(), c, options)
	require.NoError(t, err)
	pin, err := p.Allocation(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, options.Name, pin.Name)
	require.Equal(t, options.Metadata, pin.Metadata)
	require.True(t, options.ExpireAt.Equal(pin.ExpireAt))
	require.Equal(t, []peer.ID{p.id}, pin.Allocations)
}

func (p *peerUnderTest) status(t *testing.T, c api.Cid) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := client.WaitFor(ctx, p.Client, client.StatusFilterParams{
		Cid: c, Target: api.TrackerStatusPinned, CheckFreq: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	for _, local := range []bool{false, true} {
		info, err := p.Status(ctx, c, local)
		require.NoError(t, err)
		require.Equal(t, api.TrackerStatusPinned, info.PeerMap[p.id.String()].Status)
		_, err = p.Recover(ctx, c, local)
		require.NoError(t, err)
		all(t, func(out chan<- api.GlobalPinInfo) error { return p.RecoverAll(ctx, local, out) })
		require.Len(t, all(t, func(out chan<- api.GlobalPinInfo) error {
			return p.StatusCids(ctx, []api.Cid{c}, local, out)
		}), 1)
		for _, filter := range api.TrackerStatusAll() {
			infos := all(t, func(out chan<- api.GlobalPinInfo) error { return p.StatusAll(ctx, filter, local, out) })
			require.Equal(t, filter.Match(api.TrackerStatusPinned), len(infos) == 1, filter.String())
		}
	}
}

func (p *peerUnderTest) lists(t *testing.T, c api.Cid) {
	for filter, want := range map[api.PinType]int{api.DataType: 1, api.AllType: 1, api.ShardType: 0} {
		pins := all(t, func(out chan<- api.Pin) error { return p.Allocations(t.Context(), filter, out) })
		require.Len(t, pins, want, filter.String())
	}
	pin, err := p.PinPath(t.Context(), "/ipfs/"+c.String()+"/a", api.PinOptions{})
	require.NoError(t, err)
	require.NotEqual(t, c, pin.Cid)
	_, err = p.UnpinPath(t.Context(), "/ipfs/"+c.String()+"/a")
	require.NoError(t, err)
}

func (p *peerUnderTest) unpin(t *testing.T, c api.Cid) {
	pin, err := p.Unpin(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, c, pin.Cid)
	_, err = p.Unpin(t.Context(), c)
	var answer api.Error
	require.True(t, errors.As(err, &answer))
	require.Equal(t, 404, answer.Code)
}
