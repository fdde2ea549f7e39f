package replica

import (
	"context"
	"fmt"
	"slices"
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

const (
	// maxHeard is how many announcements wait, of which the newest matter.
	maxHeard = 1000
	// pause is between questions to other peers. The first announcement is
	// followed at once. Of many, those that come meanwhile are followed
	// together, which costs both sides less.
	pause = 25 * time.Millisecond
)

// head is a node that was announced as the newest of somebody.
type head struct {
	cid  cid.Cid
	from peer.ID
}

// announced implements dscrdt.Broadcaster. What peers announce while others'
// nodes are applied is taken together, and each node is handed out after those
// that it stands on.
type announced struct {
	replica *Replica
	fetch   *fetcher
	topic   *pubsub.Topic
	next    []cid.Cid     // to be applied, of what was heard
	last    cid.Cid       // that Next has returned
	turn    chan struct{} // has a value when there may be a question

	mu    sync.Mutex
	heard []head
	more  chan struct{} // has a value when there is something in heard
}

// listen begins to listen to what trusted peers announce.
func (r *Replica) listen() (*announced, error) {
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
	a := &announced{replica: r, fetch: newFetcher(r), topic: topic, more: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	a.turn <- struct{}{}
	r.work.Go(func() { a.read(subscription) })
	return a, nil
}

// read takes announcements as they come: who is slow is not sent any more.
func (a *announced) read(s *pubsub.Subscription) {
	defer s.Cancel()
	for {
		m, err := s.Next(a.replica.life)
		if err != nil {
			return
		}
		heads, err := decode(m.GetData())
		if err != nil {
			logger.Warnf("an announcement by %s cannot be read: %s", m.GetFrom(), err)
			continue
		}
		a.hear(heads, m.GetFrom())
	}
}

// hear keeps an announcement. Of this peer's own, only the last matters: those
// before it are no heads any more.
func (a *announced) hear(heads []cid.Cid, from peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if own := a.replica.options.Host.ID(); from == own {
		a.heard = slices.DeleteFunc(a.heard, func(h head) bool { return h.from == own })
	}
	for _, c := range heads {
		a.heard = append(a.heard, head{c, from})
	}
	a.heard = a.heard[max(0, len(a.heard)-maxHeard):]
	select {
	case a.more <- struct{}{}:
	default:
	}
}

// take returns what was heard since the last time.
func (a *announced) take() []head {
	a.mu.Lock()
	defer a.mu.Unlock()
	heads := a.heard
	a.heard = nil
	return heads
}

// Broadcast implements dscrdt.Broadcaster.
func (a *announced) Broadcast(ctx context.Context, data []byte) error {
	return a.topic.Publish(ctx, data)
}

// Next implements dscrdt.Broadcaster. It returns one node at a time: a peer
// that has none at all makes a head of each.
func (a *announced) Next(ctx context.Context) ([]byte, error) {
	life := a.replica.life
	select {
	case <-a.replica.ready:
	case <-life.Done():
		return nil, dscrdt.ErrNoMoreBroadcast
	case <-ctx.Done():
		return nil, dscrdt.ErrNoMoreBroadcast
	}
	a.replica.handled(life, a.last)
	for len(a.next) == 0 {
		if err := a.wait(ctx); err != nil {
			return nil, err
		}
		a.next = a.fetch.standing(life, a.take())
	}
	c := a.next[0]
	a.next = a.next[1:]
	a.last = c
	a.replica.handOut(life, c)
	return encode(c)
}

// wait returns when something was heard and it is time for it.
func (a *announced) wait(ctx context.Context) error {
	for _, c := range []<-chan struct{}{a.more, a.turn} {
		select {
		case <-c:
		case <-a.replica.life.Done():
			return dscrdt.ErrNoMoreBroadcast
		case <-ctx.Done():
			return dscrdt.ErrNoMoreBroadcast
		}
	}
	time.AfterFunc(pause, func() { a.turn <- struct{}{} })
	return nil
}

func encode(c cid.Cid) ([]byte, error) {
	return proto.Marshal(&pb.CRDTBroadcast{Heads: []*pb.Head{{Cid: c.Bytes()}}})
}

// decode reads an announcement. Very old peers send a CID and nothing else.
func decode(data []byte) ([]cid.Cid, error) {
	if c, err := cid.Cast(data); err == nil {
		return []cid.Cid{c}, nil
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
	return heads, nil
}
