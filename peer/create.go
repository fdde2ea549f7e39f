package peer

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
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

// ErrExists is returned for a folder that has a service.json already.
var ErrExists = errors.New("exists already")

// CreateOptions says what kind of peer to make.
type CreateOptions struct {
	Consensus   string // "crdt" or "raft"
	Datastore   string // "pebble", "badger3", "leveldb" or "badger"; Raft has none
	IPFS        string // IPFSEmbedded, which is the default, or IPFSKubo
	RandomPorts bool   // free ports in place of the usual ones
	Overwrite   bool   // replace a service.json, but never an identity.json

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

// Created says what Create has made.
type Created struct {
	Settings    string // path of service.json
	Identity    string // path of identity.json
	NewIdentity bool   // false: there was one, and it was kept
	Backup      string // path of the service.json that was replaced, or empty
}

// Create makes the folder of a peer: service.json with the defaults, CLUSTER_*
// environment variables applied, and a user with a random password in both API
// sections; identity.json unless there is one; and an empty peerstore. Only
// the owner may read them.
func Create(folder string, o CreateOptions) (*Created, error) {
	o.IPFS = cmp.Or(o.IPFS, IPFSEmbedded)
	if err := o.check(); err != nil {
		return nil, err
	}
	known, err := libp2p.AddrInfosFromP2pAddrs(o.Peers...)
	if err != nil {
		return nil, fmt.Errorf("peers to begin with: %w", err)
	}
	c := &Created{
		Settings: filepath.Join(folder, settingsFile),
		Identity: filepath.Join(folder, identityFile),
	}
	switch err := requireFolder(folder); {
	case errors.Is(err, ErrNoFolder):
	case err != nil:
		return nil, err
	case !o.Overwrite:
		return nil, fmt.Errorf("%s %w", c.Settings, ErrExists)
	}
	s, err := newDefaults(folder, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder: %w", file(err))
	}
	l, err := lock(folder)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return c, c.write(s, known)
}

func (o CreateOptions) check() error {
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
	case IPFSEmbedded, IPFSKubo:
	default:
		return fmt.Errorf("unknown IPFS node %q: it is embedded or kubo", o.IPFS)
	}
	return nil
}

// write puts the files where they belong; service.json last, since it is what
// makes a folder count as initialised. Each is replaced as a whole, so that an
// interruption leaves a folder that is as it was, or complete.
func (c *Created) write(s *Settings, known []libp2p.AddrInfo) (err error) {
	if c.NewIdentity, err = ensureIdentity(s.folder); err != nil {
		return err
	}
	if err := writePeerstore(s.Cluster.GetPeerstorePath(), known); err != nil {
		return err
	}
	text, err := s.manager.ToJSON()
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if exists(c.Settings) {
		c.Backup = c.Settings + "." + time.Now().UTC().Format("20060102T150405.000Z")
		old, err := os.ReadFile(c.Settings)
		if err == nil {
			err = writeText(c.Backup, old)
		}
		if err != nil {
			return fmt.Errorf("keeping the old configuration: %w", file(err))
		}
	}
	if err := writeText(c.Settings, text); err != nil {
		return fmt.Errorf("writing the configuration: %w", file(err))
	}
	return nil
}

// newDefaults makes the settings in memory. The environment comes last and is
// stronger than everything else, the random password included.
func newDefaults(folder string, o CreateOptions) (*Settings, error) {
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
			s.Pebble.PebbleOptions.Cache.Unref()
			s.Pebble.PebbleOptions.Cache = pebble.NewCache(blockCache)
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
