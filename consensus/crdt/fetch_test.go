package crdt

import (
	"slices"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/ipld/merkledag"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
)

// testNode is a node that stands on others.
func testNode(t *testing.T, data string, on ...ipld.Node) ipld.Node {
	t.Helper()
	n := merkledag.NodeWithData([]byte(data))
	for _, o := range on {
		require.NoError(t, n.AddRawLink("", &ipld.Link{Cid: o.Cid()}))
	}
	n.SetCidBuilder(merkledag.V1CidPrefix())
	return n
}

// testChain returns nodes that each stand on the one before.
func testChain(t *testing.T, n int) (chain []ipld.Node) {
	t.Helper()
	for i := range n {
		chain = append(chain, testNode(t, string(rune('a'+i)), chain[max(0, i-1):]...))
	}
	return chain
}

func cidsOf(nodes ...ipld.Node) (all []cid.Cid) {
	for _, n := range nodes {
		all = append(all, n.Cid())
	}
	return all
}

func dataOf(nodes ...ipld.Node) (all [][]byte) {
	for _, n := range nodes {
		all = append(all, n.RawData())
	}
	return all
}

func TestOrder(t *testing.T) {
	one, two, three, four := testCID(1).Cid, testCID(2).Cid, testCID(3).Cid, testCID(4).Cid
	for _, c := range []struct {
		name        string
		graph       graph
		heads, want []cid.Cid
	}{
		{"nothing", graph{}, []cid.Cid{one}, nil},
		{"chain", graph{one: {two}, two: {three}, three: {four}}, []cid.Cid{one}, []cid.Cid{three, two, one}},
		{"diamond", graph{one: {two, three}, two: {four}, three: {four}, four: nil}, []cid.Cid{one}, []cid.Cid{four, three, two, one}},
		{"a head below another", graph{one: {two}, two: nil}, []cid.Cid{two, one}, []cid.Cid{two, one}},
		{"a long way and a short one", graph{one: {three, two}, two: {three}, three: nil}, []cid.Cid{one}, []cid.Cid{three, two, one}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, c.graph.order(c.heads))
		})
	}
}

func TestBelowAnswer(t *testing.T) {
	chain := testChain(t, 5)
	stranger := testNode(t, "stranger")
	forged := []byte("forged")
	sent := append(dataOf(stranger, chain[3], chain[4], chain[1]), forged, nil)
	var accepted []cid.Cid
	for _, b := range below(cidsOf(chain[4]), sent) {
		accepted = append(accepted, b.Cid())
	}
	require.Equal(t, cidsOf(chain[4], chain[3]), accepted, "1 is not linked to from what was sent")
}

func TestNodesBelow(t *testing.T) {
	chain := testChain(t, 6)
	store := blockstore.NewBlockstore(inmem.New().(datastore.Batching))
	for _, n := range chain[1:] { // 0 is not here
		require.NoError(t, store.Put(t.Context(), n))
	}
	s := &server{blocks: store}
	for _, c := range []struct {
		name          string
		wanted, known []cid.Cid
		most          int
		want          [][]byte
	}{
		{"all", cidsOf(chain[5]), nil, 100, dataOf(chain[5], chain[4], chain[3], chain[2], chain[1])},
		{"most", cidsOf(chain[5]), nil, 2, dataOf(chain[5], chain[4])},
		{"known", cidsOf(chain[5]), cidsOf(chain[3]), 100, dataOf(chain[5], chain[4])},
		{"known and wanted", cidsOf(chain[5], chain[3]), cidsOf(chain[3]), 3, dataOf(chain[5], chain[3], chain[4])},
		{"twice", cidsOf(chain[2], chain[2]), nil, 100, dataOf(chain[2], chain[1])},
		{"absent", cidsOf(chain[0]), nil, 100, nil},
		{"nothing", nil, nil, 100, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a NodesResponse
			q := NodesRequest{Wanted: append(raw(c.wanted), []byte("no CID")), Known: raw(c.known), Most: c.most}
			require.NoError(t, (&Nodes{s}).Below(t.Context(), q, &a))
			require.Equal(t, c.want, a.Blocks)
		})
	}
}

// TestNodesBelowIsBounded: whatever is asked for, an answer is not large.
func TestNodesBelowIsBounded(t *testing.T) {
	store := blockstore.NewBlockstore(inmem.New().(datastore.Batching))
	var large, all []ipld.Node
	for i := range 4 {
		large = append(large, testNode(t, string(make([]byte, maxBytes/2+i))))
	}
	for i := range maxNodes + 10 {
		all = append(all, testNode(t, string(rune('a'+i))))
	}
	for _, n := range slices.Concat(large, all) {
		require.NoError(t, store.Put(t.Context(), n))
	}
	for _, c := range []struct {
		wanted []ipld.Node
		want   int
	}{{large, 2}, {all, maxNodes}} {
		var a NodesResponse
		q := NodesRequest{Wanted: raw(cidsOf(c.wanted...)), Most: 1 << 30}
		require.NoError(t, (&Nodes{&server{blocks: store}}).Below(t.Context(), q, &a))
		require.Len(t, a.Blocks, c.want)
	}
}

func TestServerCloses(t *testing.T) {
	r := newRig(t, rigOptions{})
	s := r.Consensus.(*Replica).served
	s.close()
	require.ErrorIs(t, (&Nodes{s}).Below(t.Context(), NodesRequest{}, &NodesResponse{}), errStopped)
	require.NotContains(t, r.host.Mux().Protocols(), nodesProtocol)
}

// TestFrozenSource: a peer that does not answer holds up an attempt once, and
// then is not asked for some time, or until it is heard.
func TestFrozenSource(t *testing.T) {
	t.Parallel()
	writer, reader, frozen := newRig(t, rigOptions{}), newRig(t, rigOptions{}), newRig(t, rigOptions{})
	frozen.host.SetStreamHandler(nodesProtocol, func(network.Stream) {})
	writer.pin(0, 20)
	heads := writer.Consensus.(*Replica).heads(t.Context())
	require.Len(t, heads, 1)

	f := newFetcher(reader.Consensus.(*Replica))
	f.timeout = 10 * time.Second // enough for who answers on a busy machine
	got := f.fetch(t.Context(), heads, frozen.host.ID(), false)
	require.Equal(t, heads, got.absent, "no peer can be asked")
	require.Contains(t, got.reason(), "no peer is connected")
	require.Empty(t, f.backoffs)
	reader.connect(frozen)
	reader.connect(writer)
	ids := []peer.ID{frozen.host.ID(), writer.host.ID()}
	require.Eventually(t, func() bool { return servesNodes(reader.host, ids[0]) && servesNodes(reader.host, ids[1]) }, patient, time.Millisecond)
	require.Equal(t, ids, f.sources(ids[0], false))

	unknown := cidsOf(testNode(t, "nobody has it"))
	got = f.fetch(t.Context(), unknown, ids[0], false)
	require.Equal(t, unknown, got.absent)
	require.Equal(t, []int{2, 1}, []int{got.asked, got.answered})
	require.False(t, got.lacking, "the announcing peer did not answer")
	require.Contains(t, f.backoffs, ids[0])
	require.NotContains(t, f.backoffs, ids[1], "it has answered")
	require.Equal(t, ids[1:], f.sources(ids[0], false))
	require.Equal(t, ids, f.sources(ids[0], true), "a further attempt asks who has announced them")
	require.True(t, func() bool { g := f.fetch(t.Context(), unknown, ids[1], false); return g.lacking }())
	f.backoffs[ids[0]] = time.Now().Add(-time.Second)
	require.Equal(t, ids, f.sources(ids[0], false), "it is asked again after some time")

	f.backOff(ids[0])
	chain := testChain(t, 20)
	require.NoError(t, writer.Consensus.(*Replica).dag.AddMany(t.Context(), chain))
	got = f.fetch(t.Context(), cidsOf(chain[19]), ids[0], false)
	require.NoError(t, got.err)
	require.Empty(t, got.absent, "another peer has it")
	require.Len(t, got.nodes, 20)
	f.resetBackoff(ids[0])
	require.Equal(t, ids, f.sources(ids[0], false), "and when it is heard")
}

// TestFetchBesideOthers: nodes that come for another announcer while this one
// waits for an answer do not hide what they stand on.
func TestFetchBesideOthers(t *testing.T) {
	t.Parallel()
	writer, reader := newRig(t, rigOptions{}), newRig(t, rigOptions{})
	reader.connect(writer)
	id := writer.host.ID()
	eventually(t, func() bool { return servesNodes(reader.host, id) }, "it can be asked")
	chain := testChain(t, 4)
	f := newFetcher(reader.replica())
	got := fetched{nodes: make(graph), from: id}
	wanted, err := f.descend(t.Context(), got.nodes, cidsOf(chain[3]))
	require.NoError(t, err)
	require.Equal(t, cidsOf(chain[3]), wanted)
	require.NoError(t, reader.replica().dag.BlockStore().PutMany(t.Context(), []blocks.Block{chain[3], chain[2]}))
	absent, err := f.ask(t.Context(), &got, wanted)
	require.NoError(t, err)
	require.Equal(t, cidsOf(chain[1]), absent)

	require.NoError(t, writer.replica().dag.AddMany(t.Context(), chain[:2]))
	absent, err = f.ask(t.Context(), &got, absent)
	require.NoError(t, err)
	require.Empty(t, absent)
	require.Len(t, got.nodes, 4)
}

func TestDecode(t *testing.T) {
	one := testHead(1)
	data, err := encode(one)
	require.NoError(t, err)
	for _, d := range [][]byte{data, one.Bytes()} {
		heads, err := decode(d)
		require.NoError(t, err)
		require.Equal(t, []cid.Cid{one}, heads)
	}
	twice, err := decode(append(data, data...))
	require.NoError(t, err)
	require.Len(t, twice, 2)
	raw, err := encode(testCID(1).Cid)
	require.NoError(t, err)
	for _, bad := range []string{"\xff", "\x0a\x02\x0a\x00", string(raw), string(testCID(1).Bytes())} {
		_, err := decode([]byte(bad))
		require.Error(t, err)
	}
}

// testHead returns the CID of a node that nobody has.
func testHead(i int) cid.Cid { return cid.NewCidV1(cid.DagProtobuf, testCID(i).Hash()) }

// TestHear: of its own announcements a peer keeps the last, of others' the
// newest ones, and no more peers than it can follow.
func TestHear(t *testing.T) {
	r := newRig(t, rigOptions{})
	a := newBroadcaster(r.Consensus.(*Replica))
	fresh := func(id peer.ID) (heads []cid.Cid) {
		a.announcers[id].following = true // nobody takes them
		heads, a.announcers[id].fresh = a.announcers[id].fresh, nil
		return heads
	}
	own := r.host.ID()
	for _, id := range []peer.ID{own, "other"} {
		a.announcers[id] = &announcer{all: a, id: id, following: true, kicked: make(chan struct{}, 1)}
	}
	a.observe([]cid.Cid{testHead(1)}, own)
	a.observe([]cid.Cid{testHead(2), testHead(2)}, "other")
	a.observe([]cid.Cid{testHead(3)}, own)
	require.Equal(t, []cid.Cid{testHead(3)}, fresh(own))
	require.Equal(t, []cid.Cid{testHead(2)}, fresh("other"))
	for i := range maxFresh + 5 {
		a.observe([]cid.Cid{testHead(i)}, "other")
	}
	heads := fresh("other")
	require.Len(t, heads, maxFresh)
	require.Equal(t, testHead(maxFresh+4), heads[maxFresh-1])
	require.Equal(t, 5, a.dropped)

	for i := range maxAnnouncers {
		id := peer.ID(string(testHead(i).Bytes()))
		a.announcers[id] = &announcer{all: a, id: id, following: true, kicked: make(chan struct{}, 1)}
	}
	a.observe([]cid.Cid{testHead(1)}, "one too many")
	require.NotContains(t, a.announcers, peer.ID("one too many"))
	require.Equal(t, 6, a.dropped)
}
