package shards

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/test"
	"github.com/ipfs/go-cid"
	cbor "github.com/ipfs/go-ipld-cbor"
	"github.com/libp2p/go-libp2p/core/peer"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// cluster is a state and a store of blocks.
type cluster struct {
	mu     sync.Mutex
	pins   map[api.Cid]api.Pin
	blocks map[api.Cid][]byte
	keeper *Keeper
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{pins: make(map[api.Cid]api.Pin), blocks: make(map[api.Cid][]byte)}
	c.keeper = New(Options{
		Peer:    test.PeerID1,
		State:   func(context.Context) (state.ReadOnly, error) { return c, nil },
		Members: func(context.Context) ([]peer.ID, error) { return []peer.ID{test.PeerID1, test.PeerID2}, nil },
		Block: func(_ context.Context, ci api.Cid) ([]byte, error) {
			if b, ok := c.blocks[ci]; ok {
				return b, nil
			}
			return nil, errors.New("not here")
		},
		Pin: func(_ context.Context, p api.Pin) error { c.put(p); return nil },
		Unpin: func(ctx context.Context, p api.Pin) error {
			stored, err := c.Get(ctx, p.Cid)
			if err != nil {
				return nil
			}
			if IsPart(stored) {
				if needed, err := c.keeper.Needed(ctx, stored); err != nil || needed {
					return err
				}
			}
			c.remove(p.Cid)
			c.keeper.Unrooted(stored)
			return nil
		},
	})
	t.Cleanup(c.keeper.Close)
	return c
}

func (c *cluster) put(p api.Pin) {
	c.mu.Lock()
	c.pins[p.Cid] = p
	c.mu.Unlock()
	c.keeper.Observe(pinset.Change{CID: p.Cid, Pin: p})
}

func (c *cluster) remove(ci api.Cid) {
	c.mu.Lock()
	delete(c.pins, ci)
	c.mu.Unlock()
	c.keeper.Observe(pinset.Change{CID: ci, Existed: true})
}

func (c *cluster) Get(_ context.Context, ci api.Cid) (api.Pin, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.pins[ci]; ok {
		return p, nil
	}
	return api.Pin{}, state.ErrNotFound
}

func (c *cluster) Has(ctx context.Context, ci api.Cid) (bool, error) {
	_, err := c.Get(ctx, ci)
	return err == nil, nil
}

func (c *cluster) List(_ context.Context, out chan<- api.Pin) error {
	defer close(out)
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.pins))
	c.mu.Unlock()
	for _, p := range all {
		out <- p
	}
	return nil
}

func (c *cluster) has(ci api.Cid) bool {
	ok, _ := c.Has(context.Background(), ci) // always nil
	return ok
}

// node makes a map of links, as the library's adder does.
func (c *cluster) node(t *testing.T, links ...api.Cid) api.Cid {
	object := make(map[string]cid.Cid)
	for i, l := range links {
		object[string(rune('0'+i))] = l.Cid
	}
	nd, err := cbor.WrapObject(object, mh.SHA2_256, -1)
	require.NoError(t, err)
	ci := api.NewCid(nd.Cid())
	c.blocks[ci] = nd.RawData()
	return ci
}

func leaf(t *testing.T, text string) api.Cid {
	hash, err := mh.Sum([]byte(text), mh.SHA2_256, -1)
	require.NoError(t, err)
	return api.NewCid(cid.NewCidV1(cid.Raw, hash))
}

// part returns a shard, or a cluster DAG, that a peer has added.
func (c *cluster) part(ci api.Cid, kind api.PinType, adder peer.ID, written time.Time) api.Pin {
	p := api.PinCid(ci)
	p.Type, p.Timestamp, p.Metadata = kind, written, map[string]string{}
	if adder != "" {
		p.Metadata[AdderKey] = adder.String()
	}
	p.Reference = &api.CidUndef
	return p
}

// rootPin returns a root that refers to a cluster DAG.
func rootPin(ci, dag api.Cid) api.Pin {
	p := api.PinCid(ci)
	p.Type, p.Reference = api.MetaType, &dag
	return p
}

// What an add leaves behind is removed by the peer that made it, after a while, and
// by others after a day when that one has gone. Parts of adds under way, and of
// roots, stay.
func TestOrphans(t *testing.T) {
	gone := test.PeerID3
	for name, tt := range map[string]struct {
		adder  peer.ID
		age    time.Duration // of the pin
		rooted bool
		claims bool
		stays  bool
	}{
		"of this peer":                  {adder: test.PeerID1},
		"of another peer":               {adder: test.PeerID2, age: 48 * time.Hour, stays: true},
		"of a peer that has gone":       {adder: gone, age: 48 * time.Hour},
		"of one that has gone just now": {adder: gone, age: time.Hour, stays: true},
		"of nobody who is known, old":   {age: 48 * time.Hour},
		"of nobody who is known, young": {age: time.Hour, stays: true},
		"of a root":                     {adder: test.PeerID1, age: 48 * time.Hour, rooted: true, stays: true},
		"of an add that is being made":  {adder: test.PeerID1, claims: true, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				shard := c.node(t, leaf(t, "a"))
				dag := c.node(t, shard)
				written := time.Now().Add(-tt.age)
				for ci, kind := range map[api.Cid]api.PinType{shard: api.ShardType, dag: api.ClusterDAGType} {
					p := c.part(ci, kind, tt.adder, written)
					if tt.claims {
						p.Metadata[AddKey] = c.keeper.BeginAdd()
						_, p = c.keeper.Claim(p)
					}
					c.put(p)
				}
				if tt.rooted {
					c.put(rootPin(leaf(t, "a"), dag))
				}
				for range 3 {
					c.keeper.Sweep()
					synctest.Wait()
					time.Sleep(orphanAge + time.Second)
					synctest.Wait()
				}
				require.Equal(t, tt.stays, c.has(shard))
				require.Equal(t, tt.stays, c.has(dag))
			})
		})
	}
}

// A part that has been without a root for less than the age stays.
func TestYoungOrphanStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		shard := c.node(t, leaf(t, "a"))
		c.put(c.part(shard, api.ShardType, test.PeerID1, time.Now()))
		c.keeper.Sweep()
		time.Sleep(orphanAge - time.Second)
		synctest.Wait()
		require.True(t, c.has(shard))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.False(t, c.has(shard))
	})
}

// A shard stays while a cluster DAG that cannot be read may need it.
func TestUnreadableClusterDAG(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		shard := c.node(t, leaf(t, "a"))
		dag, other := c.node(t, shard), c.node(t, shard, leaf(t, "b"))
		for ci, kind := range map[api.Cid]api.PinType{shard: api.ShardType, dag: api.ClusterDAGType, other: api.ClusterDAGType} {
			c.put(c.part(ci, kind, test.PeerID1, time.Now()))
		}
		a, b := rootPin(leaf(t, "root a"), dag), rootPin(leaf(t, "root b"), other)
		c.put(a)
		c.put(b)
		block := c.blocks[other]
		delete(c.blocks, other)
		require.NoError(t, c.keeper.options.Unpin(t.Context(), a))
		require.True(t, c.has(shard))
		require.False(t, c.has(dag))
		c.blocks[other] = block
		require.NoError(t, c.keeper.options.Unpin(t.Context(), b))
		require.Empty(t, c.pins)
	})
}
