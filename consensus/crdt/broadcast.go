package crdt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dscrdt "github.com/ipfs/go-ds-crdt"
	"github.com/ipfs/go-ds-crdt/pb"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/proto"
)

// maxAnnouncers bounds the peers whose announcements are followed at the same
// time. Beyond that, new announcements are dropped: they are repeated.
const maxAnnouncers = 512

var errNotANode = errors.New("a head is not the CID of a node")

// broadcaster implements dscrdt.Broadcaster. It follows the heads of each peer separately
// (announcer), and passes a node to go-ds-crdt only when the node and all its ancestors
// are in this peer's blockstore, ancestors first. So go-ds-crdt, which applies one node
// after the other, never waits for a peer.
type broadcaster struct {
	replica *Replica
	fetch   *fetcher
	topic   *pubsub.Topic
	batches chan *batch

	bad  *boundedLog // of what peers send
	late *boundedLog // of changes that do not come

	batch *batch  // being handed out, only for Next
	last  cid.Cid // that Next has returned

	mu         sync.Mutex // guards what follows, and all announcers
	announcers map[peer.ID]*announcer
	dropped    int       // heads that were given up
	applying   time.Time // since when the last node is being applied; zero for no node
}

// batch has nodes that are ready to be applied, ancestors first.
type batch struct {
	nodes   []cid.Cid
	applied chan struct{} // closed when the last node has been applied
}

func newBroadcaster(r *Replica) *broadcaster {
	return &broadcaster{
		replica:    r,
		fetch:      newFetcher(r),
		batches:    make(chan *batch),
		bad:        newBoundedLog(),
		late:       newBoundedLog(),
		announcers: make(map[peer.ID]*announcer),
	}
}

// listen subscribes to the announcements of trusted peers.
func (r *Replica) listen() (*broadcaster, error) {
	hash, err := multihash.Sum([]byte(r.options.Config.ClusterName), multihash.MD5, -1)
	if err != nil {
		return nil, err
	}
	name := hash.B58String()
	trusted := func(ctx context.Context, _ peer.ID, m *pubsub.Message) bool { return r.IsTrustedPeer(ctx, m.GetFrom()) }
	if err := r.options.PubSub.RegisterTopicValidator(name, trusted); err != nil {
		return nil, fmt.Errorf("announcements: %w", err)
	}
	topic, err := r.options.PubSub.Join(name)
	if err != nil {
		return nil, fmt.Errorf("announcements: %w", err)
	}
	subscription, err := topic.Subscribe()
	if err != nil {
		return nil, fmt.Errorf("announcements: %w", err)
	}
	a := newBroadcaster(r)
	a.topic = topic
	r.work.Go(func() { a.read(subscription) })
	r.broadcaster.Store(a)
	return a, nil
}

// read receives announcements without waiting for anything: pubsub drops messages when its
// subscriber is slow.
func (a *broadcaster) read(s *pubsub.Subscription) {
	defer s.Cancel()
	for {
		m, err := s.Next(a.replica.life)
		if err != nil {
			return
		}
		heads, err := decode(m.GetData())
		if err != nil {
			a.bad.Warnf("an announcement by %s cannot be read: %s", m.GetFrom(), err)
			continue
		}
		a.observe(heads, m.GetFrom())
	}
}

// Broadcast implements dscrdt.Broadcaster.
func (a *broadcaster) Broadcast(ctx context.Context, data []byte) error {
	return a.topic.Publish(ctx, data)
}

// Next implements dscrdt.Broadcaster. go-ds-crdt calls it when the last node is applied.
// It returns one node at a time: an empty peer makes a head of each node of a broadcast.
func (a *broadcaster) Next(ctx context.Context) ([]byte, error) {
	life := a.replica.life
	a.apply(time.Time{})
	select {
	case <-a.replica.ready:
	case <-life.Done():
		return nil, dscrdt.ErrNoMoreBroadcast
	case <-ctx.Done():
		return nil, dscrdt.ErrNoMoreBroadcast
	}
	a.replica.handled(life, a.last)
	for a.batch == nil || len(a.batch.nodes) == 0 {
		if a.batch != nil {
			close(a.batch.applied)
			a.batch = nil
		}
		select {
		case a.batch = <-a.batches:
		case <-life.Done():
			return nil, dscrdt.ErrNoMoreBroadcast
		case <-ctx.Done():
			return nil, dscrdt.ErrNoMoreBroadcast
		}
	}
	c := a.batch.nodes[0]
	a.batch.nodes = a.batch.nodes[1:]
	a.last = c
	// Before go-ds-crdt gets the node: the entry must be on disk when its first write is.
	a.replica.handOut(life, c)
	a.apply(time.Now())
	return encode(c)
}

// apply records since when a node is being applied; the zero time is for none.
func (a *broadcaster) apply(since time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.applying = since
}

// hand passes nodes to go-ds-crdt and waits until they are applied.
func (a *broadcaster) hand(nodes []cid.Cid) {
	if len(nodes) == 0 {
		return
	}
	b := &batch{nodes: nodes, applied: make(chan struct{})}
	life := a.replica.life
	select {
	case a.batches <- b:
	case <-life.Done():
		return
	}
	select {
	case <-b.applied:
	case <-life.Done():
	}
}

// encode encodes a head as go-ds-crdt does, so that peers of any version decode it.
func encode(c cid.Cid) ([]byte, error) {
	return proto.Marshal(&pb.CRDTBroadcast{Heads: []*pb.Head{{Cid: c.Bytes()}}})
}

// decode decodes an announcement. Very old peers send a bare CID.
func decode(data []byte) ([]cid.Cid, error) {
	if c, err := cid.Cast(data); err == nil {
		return onlyNodes([]cid.Cid{c})
	}
	var message pb.CRDTBroadcast
	if err := proto.Unmarshal(data, &message); err != nil {
		return nil, err
	}
	var heads []cid.Cid
	for _, h := range message.Heads {
		c, err := cid.Cast(h.Cid)
		if err != nil {
			return nil, err
		}
		heads = append(heads, c)
	}
	return onlyNodes(heads)
}

// onlyNodes returns the given CIDs, or an error if one cannot be the CID of a node.
func onlyNodes(cids []cid.Cid) ([]cid.Cid, error) {
	for _, c := range cids {
		if c.Type() != cid.DagProtobuf {
			return nil, fmt.Errorf("%w: %s", errNotANode, c)
		}
	}
	return cids, nil
}
