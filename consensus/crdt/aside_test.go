package crdt

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-ds-crdt/pb"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// announce publishes heads in the name of a peer, which need not have them.
func (r *rig) announce(heads ...cid.Cid) {
	r.t.Helper()
	var message pb.CRDTBroadcast
	for _, c := range heads {
		message.Heads = append(message.Heads, &pb.Head{Cid: c.Bytes()})
	}
	data, err := proto.Marshal(&message)
	require.NoError(r.t, err)
	require.NoError(r.t, r.replica().broadcaster.Load().Broadcast(r.t.Context(), data))
}

func (r *rig) replica() *Replica { return r.Consensus.(*Replica) }

// waiting returns how many heads of a peer are put aside.
func (r *rig) waiting(of *rig) int {
	for _, w := range r.replica().Lag().Waiting {
		if w.Peer == of.host.ID() {
			return w.Heads
		}
	}
	return 0
}

func peerOf(i int) peer.ID { return peer.ID(testHead(i).KeyString()) }

// eventually waits for a condition.
func eventually(t *testing.T, condition func() bool, what string, args ...any) {
	t.Helper()
	require.Eventually(t, condition, patient, 10*time.Millisecond, append([]any{what}, args...)...)
}

// meets connects a peer to others, and waits until announcements flow.
func (r *rig) meets(others ...*rig) {
	r.t.Helper()
	name := topicOf(r)
	for _, o := range others {
		r.connect(o)
		eventually(r.t, func() bool {
			gossip := o.replica().options.PubSub
			return slices.Contains(gossip.ListPeers(name), r.host.ID()) &&
				slices.Contains(r.replica().options.PubSub.ListPeers(name), o.host.ID())
		}, "they hear each other")
	}
}

func topicOf(r *rig) string { return r.replica().broadcaster.Load().topic.String() }

// TestUndeliverableHeads: whoever announces what nobody has, the changes of
// everybody else, and later ones of the same peer, arrive; and the operator is
// told.
func TestUndeliverableHeads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		freeze bool // the announcing peer accepts questions, and does not answer
		away   bool // it is disconnected
	}{{name: "it answers"}, {name: "it does not answer", freeze: true}, {name: "it is away", away: true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reader, writer, broken := newRig(t, rigOptions{}), newRig(t, rigOptions{}), newRig(t, rigOptions{})
			if c.freeze {
				broken.host.SetStreamHandler(nodesProtocol, func(network.Stream) {})
			}
			reader.meets(writer, broken)
			broken.announce(testHead(1), testHead(2))
			if c.away {
				eventually(t, func() bool { return reader.waiting(broken) > 0 }, "they are put aside")
				require.NoError(t, broken.host.Close())
			}
			for i := range 10 { // with each, the reader could wait anew
				names := writer.pin(10*i, 10*i+10)
				eventually(t, func() bool { return slices.Contains(reader.names(), names[9]) }, "change %d", i)
			}
			eventually(t, func() bool { return reader.waiting(broken) == 2 }, "both are put aside")
			w := reader.replica().Lag().Waiting[0]
			require.NotEmpty(t, w.Reason)
			require.False(t, w.Since.IsZero())
			if !c.away {
				require.True(t, w.Connected)
			}
			if !c.freeze && !c.away {
				names := broken.pin(1000, 1001)
				eventually(t, func() bool { return slices.Contains(reader.names(), names[0]) }, "its own later changes")
			}
		})
	}
}

// TestHeadComesLater: a head that is put aside is applied soon after its nodes
// can be had, with nothing missing below it.
func TestHeadComesLater(t *testing.T) {
	t.Parallel()
	reader, broken, source := newRig(t, rigOptions{}), newRig(t, rigOptions{}), newRig(t, rigOptions{})
	names := source.pin(0, 30)
	heads := source.replica().heads(t.Context())
	reader.meets(broken)
	broken.announce(heads...)
	eventually(t, func() bool { return reader.waiting(broken) == 1 }, "it is put aside")
	require.Empty(t, reader.names())

	// broken gets the nodes, and applies nothing of them.
	for queue := heads; len(queue) > 0; {
		node, err := source.replica().dag.Get(t.Context(), queue[0])
		require.NoError(t, err)
		require.NoError(t, broken.replica().dag.Add(t.Context(), node))
		queue = append(queue[1:], linkedBy(node)...)
	}
	reader.gets(names, patient)
	require.Equal(t, names, reader.tracker.tracked(), "the oldest first")
	eventually(t, func() bool { return reader.waiting(broken) == 0 }, "it is taken back")
}

func linkedBy(node ipld.Node) (all []cid.Cid) {
	for _, l := range node.Links() {
		all = append(all, l.Cid)
	}
	return all
}

// TestAsideIsBounded: of one peer, the newest heads are kept; those of others
// are left alone; and an old one is given up.
func TestAsideIsBounded(t *testing.T) {
	t.Parallel()
	reader, one, other := newRig(t, rigOptions{}), newRig(t, rigOptions{}), newRig(t, rigOptions{})
	reader.meets(one, other)
	other.announce(testHead(10_000))
	eventually(t, func() bool { return reader.waiting(other) == 1 }, "it is put aside")
	var heads []cid.Cid
	for i := range maxAside + 10 {
		heads = append(heads, testHead(i))
	}
	one.announce(heads...)
	eventually(t, func() bool { return reader.waiting(one) == maxAside }, "as many as are kept")
	require.Equal(t, 10, reader.replica().Lag().Dropped)
	require.Equal(t, 1, reader.waiting(other))

	a := reader.replica().broadcaster.Load()
	a.mu.Lock()
	kept := a.announcers[one.host.ID()].aside
	require.Equal(t, heads[len(heads)-1], kept[len(kept)-1].cid, "the newest")
	for _, h := range kept {
		h.announced = h.announced.Add(-asideTTL)
	}
	a.mu.Unlock()
	one.announce(testHead(-1)) // so that there is an attempt soon
	eventually(t, func() bool { return reader.waiting(one) == 1 }, "the old ones are given up")
	require.Equal(t, 10+maxAside, reader.replica().Lag().Dropped)
}

// TestMissingSince: a peer that announces again and again what nobody has is
// known since the first time, though its old heads are dropped.
func TestMissingSince(t *testing.T) {
	t.Parallel()
	reader, broken := newRig(t, rigOptions{}), newRig(t, rigOptions{})
	reader.meets(broken)
	broken.announce(testHead(0))
	eventually(t, func() bool { return reader.waiting(broken) == 1 }, "it is put aside")
	since := reader.replica().Lag().Waiting[0].Since
	var heads []cid.Cid
	for i := range 2 * maxAside {
		heads = append(heads, testHead(i))
	}
	broken.announce(heads...)
	eventually(t, func() bool { return reader.replica().Lag().Dropped >= maxAside }, "the old ones are dropped")
	require.Equal(t, since, reader.replica().Lag().Waiting[0].Since)
}

// TestGap: changes above a node that their own peer has lost are applied, but
// only after others had the time to send it.
func TestGap(t *testing.T) {
	t.Parallel()
	reader, writer := newRig(t, rigOptions{}), newRig(t, rigOptions{})
	names := writer.pin(0, 10)
	heads := writer.replica().heads(t.Context())
	node, err := writer.replica().dag.Get(t.Context(), heads[0])
	require.NoError(t, err)
	lost := linkedBy(node)
	require.NoError(t, writer.replica().dag.BlockStore().DeleteBlock(t.Context(), lost[0]))
	reader.meets(writer)
	writer.announce(heads...)
	eventually(t, func() bool { return reader.waiting(writer) == 1 }, "it is put aside")
	require.Empty(t, reader.names())

	a := reader.replica().broadcaster.Load()
	a.mu.Lock()
	a.announcers[writer.host.ID()].gapSince = time.Now().Add(-2 * gapAfter)
	a.mu.Unlock()
	reader.gets(names[9:], patient)
	eventually(t, func() bool { return reader.waiting(writer) == 0 }, "it does not wait any more")
	names = append(names[9:], writer.pin(20, 21)...)
	reader.gets(names, patient)
}

// TestLagOfAnIdlePeer: nothing waits, and nothing is applied.
func TestLagOfAnIdlePeer(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.pin(0, 3)
	eventually(t, func() bool { return r.replica().Lag().Applying == 0 }, "everything is applied")
	require.Empty(t, r.replica().Lag().Waiting)
	require.Zero(t, r.replica().Lag().Dropped)
	require.Equal(t, fmt.Sprint([]string{"0", "1", "2"}), fmt.Sprint(r.names()))
}
