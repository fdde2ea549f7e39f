package settings

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// DefaultUser is the name of the user that Create makes.
const DefaultUser = "admin"

// Where a peer that Create makes has its IPFS node.
const (
	IPFSEmbedded = "embedded" // in its own process
	IPFSKubo     = "kubo"     // a Kubo daemon that somebody runs
)

// passwordBytes is the entropy of a created password.
const passwordBytes = 32

// How CRDT writes are announced, as Create configures it. One announcement for
// each write is more than peers of ipfs-cluster-service take in: some 50 a
// second, when they come one by one. A write that waits a millisecond for others
// costs its client little: at 8 writers that gave 1.3 to 1.7 times the
// throughput of 5 ms. An announcement that is lost is made up for by the next
// one, which for the last write comes only with the rebroadcast, after a minute
// in the library.
const (
	batchSize   = 100
	batchAge    = time.Millisecond
	rebroadcast = 5 * time.Second
)

// blockCache is how much of pebble's data Create lets it keep in memory, in
// bytes. The library's 1 GiB serves lists that read the whole pinset; here the
// view does that, and the state is read pin by pin.
const blockCache = 128 << 20

// tableSize bounds the files that init has pebble make, in bytes. The library's grow
// to 256 MiB, each with one index and one filter that are read, and cached, as a whole:
// those of a large pinset took 100 MB more.
const tableSize = 16 << 20

// Choice says what kind of peer the settings are for.
type Choice struct {
	Consensus   string // "crdt" or "raft"
	Datastore   string // "pebble", "badger3", "leveldb" or "badger"; Raft has none
	IPFS        string // IPFSEmbedded, which is the default, or IPFSKubo
	RandomPorts bool   // free ports in place of the usual ones

	// Secret of the cluster, 64 hexadecimal digits. Empty: a new one, or
	// CLUSTER_SECRET.
	Secret string
	// Peers to begin with, each address ending in /p2p/<peer ID>. CRDT then
	// trusts only them, Raft begins with them.
	Peers []multiaddr.Multiaddr
	// Source is the URL of the configuration, which is then all that is
	// written to service.json.
	Source string
}

// Validate returns what is wrong with the choice.
func (o Choice) Validate() error {
	switch o.Consensus {
	case "crdt", "raft":
	default:
		return fmt.Errorf("unknown consensus %q: it is crdt or raft", o.Consensus)
	}
	switch o.Datastore {
	case "pebble", "badger3", "leveldb", "badger":
	default:
		return fmt.Errorf("unknown datastore %q: it is pebble, badger3, leveldb or badger", o.Datastore)
	}
	if o.Source != "" {
		return checkSource(o.Source)
	}
	switch o.IPFS {
	case "", IPFSEmbedded, IPFSKubo:
	default:
		return fmt.Errorf("unknown IPFS node %q: it is embedded or kubo", o.IPFS)
	}
	return nil
}

// join writes into new settings which cluster the peer is to be part of.
func (s *Settings) join(o Choice) (err error) {
	s.manager.Source = o.Source
	if o.Secret != "" {
		if s.Cluster.Secret, err = ipfscluster.DecodeClusterSecret(o.Secret); err != nil {
			return fmt.Errorf("cluster.secret: %w", err)
		}
	}
	if len(o.Peers) == 0 {
		return nil
	}
	peers := ipfscluster.PeersFromMultiaddrs(o.Peers)
	if s.Crdt != nil {
		s.Crdt.TrustAll, s.Crdt.TrustedPeers = false, peers
	}
	if s.Raft != nil {
		s.Raft.InitPeerset = peers
	}
	return nil
}

// New makes the settings in memory. The environment comes last and is
// stronger than everything else, the random password included.
func New(folder string, o Choice) (*Settings, error) {
	o.IPFS = cmp.Or(o.IPFS, IPFSEmbedded)
	s := newSettings(folder, only{o.Consensus, o.Datastore, o.IPFS})
	s.Cluster.SetBaseDir(folder)
	err := s.manager.Default()
	if err == nil && o.RandomPorts {
		err = s.randomPorts()
	}
	if err == nil {
		s.setUser(DefaultUser, newPassword())
		if s.Crdt != nil {
			s.Crdt.Batching.MaxBatchSize, s.Crdt.Batching.MaxBatchAge = batchSize, batchAge
			s.Crdt.RebroadcastInterval = rebroadcast
		}
		if s.Pebble != nil {
			limitMemory(&s.Pebble.PebbleOptions)
		}
		err = s.manager.ApplyEnvVars()
	}
	if err == nil {
		err = s.join(o)
	}
	if err == nil {
		err = s.manager.Validate()
	}
	if found := s.mistakes.err(); found != nil {
		err = found
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// limitMemory has pebble need less memory than with the library's options.
func limitMemory(o *pebble.Options) {
	o.Cache.Unref()
	o.Cache = pebble.NewCache(blockCache)
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = min(o.TargetFileSizes[i], tableSize)
	}
}

// setUser gives both APIs the same one user.
func (s *Settings) setUser(name, password string) {
	p := s.Pinsvcapi.Value()
	p.BasicAuthCredentials = auth.Users{name: password}
	s.Pinsvcapi.Set(p)
	r := s.Restapi.Value()
	r.BasicAuthCredentials = auth.Users{name: password}
	s.Restapi.Set(r)
}

// newPassword returns random bytes in URL-safe base64 without padding, so that
// it can be typed into a URL or a shell as it is.
func newPassword() string {
	b := make([]byte, passwordBytes)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
