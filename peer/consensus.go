package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/boltdb/bolt"
	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs/go-datastore"

	"github.com/ipfs-cluster/pinsvc/consensus/crdt"
	"github.com/ipfs-cluster/pinsvc/consensus/raft"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// readyTimeout is how long a peer of this consensus may take to start; zero
// means without end. Raft is not ready without a leader. CRDT needs nobody,
// but may have a migration of its datastore to do.
func readyTimeout(s *settings.Settings, consensus string) time.Duration {
	if consensus == "raft" {
		return s.Raft.WaitForLeaderTimeout + 5*time.Second
	}
	return 0
}

// newConsensus returns the component, not wrapped yet.
func (b *builder) newConsensus(store datastore.Datastore, staging bool) (c ipfscluster.Consensus, err error) {
	if b.kind == "raft" {
		c, err = newRaft(b.settings, b.net, b.feed.Raft(store), staging)
	} else {
		c, err = b.newCRDT(store)
	}
	if err != nil {
		return nil, fmt.Errorf("consensus.%s: %w", b.kind, err)
	}
	return c, nil
}

// newRaft returns the library's component, wrapped. A damaged data folder is an
// error in words: the libraries below panic for some.
func newRaft(s *settings.Settings, n *network, store datastore.Datastore, staging bool) (c ipfscluster.Consensus, err error) {
	folder := s.Raft.GetDataFolder()
	remedy := "if it is damaged, move it away and start with --bootstrap and the address of another peer, or read an export with 'pinsvc state import'"
	if err := readLog(filepath.Join(folder, "raft.db")); err != nil {
		return nil, fmt.Errorf("the data folder %s: %w: %s", folder, err, remedy)
	}
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("the data folder %s: %v: %s", folder, r, remedy)
		}
	}()
	c, err = raft.New(n.host, s.Raft, store, staging)
	if err != nil && settings.ExplainFile(err) == err {
		err = fmt.Errorf("the data folder %s: %w: %s", folder, err, remedy)
	}
	return c, err
}

// readLog reads Raft's log once: a page of it that is damaged otherwise ends the
// process, in a goroutine of the library.
func readLog(path string) (err error) {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil // there is none yet
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("raft.db: %v", r)
		}
	}()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("raft.db: %w", err)
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, bucket *bolt.Bucket) error {
			return bucket.ForEach(func(_, _ []byte) error { return nil })
		})
	})
}

// newCRDT returns our own component, in place of the library's: package
// consensus/crdt and its Grouped say why.
func (b *builder) newCRDT(store datastore.Datastore) (ipfscluster.Consensus, error) {
	s := b.settings
	batching, ok := store.(datastore.Batching)
	if !ok {
		return nil, fmt.Errorf("a %T cannot batch", store)
	}
	inner, err := crdt.New(crdt.Options{
		Host:       b.net.host,
		DHT:        b.net.dht,
		PubSub:     b.net.pubsub,
		Config:     s.Crdt,
		Store:      b.feed.CRDT(batching, datastore.NewKey(s.Crdt.DatastoreNamespace)),
		Generation: b.stored.Generation(),
		Failed:     b.pinsetFailed,
	})
	if err != nil {
		return nil, err
	}
	b.lagging = inner
	g := crdt.NewGrouped(inner, s.Crdt.Batching, store)
	g.Marked = b.stored.MarkedCleanup
	return g, nil
}

// pinsetFailed ends the peer when the pinset in the datastore cannot be opened.
func (b *builder) pinsetFailed(err error) { b.giveUp(b.stored.ExplainPinset(err)) }

// prepareBootstrap readies the consensus for joining other peers: Raft gives
// up its own history and waits to be voted in, CRDT trusts whom it joins, when
// that is wanted.
func (b *builder) prepareBootstrap(ctx context.Context) error {
	addrs := b.options.Bootstrap
	if len(addrs) == 0 {
		return nil
	}
	if b.kind == "raft" {
		if err := b.stored.Clear(ctx); err != nil {
			return fmt.Errorf("removing the old Raft state: %w", err)
		}
		return nil
	}
	if crdt := b.settings.Crdt; !b.options.NoTrust {
		crdt.TrustedPeers = append(crdt.TrustedPeers, ipfscluster.PeersFromMultiaddrs(addrs)...)
	}
	return nil
}
