package settings

import (
	"errors"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/allocator/balanced"
	"github.com/ipfs-cluster/ipfs-cluster/api/ipfsproxy"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	libcrdt "github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/badger"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/badger3"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/leveldb"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/pebble"
	"github.com/ipfs-cluster/ipfs-cluster/informer/disk"
	"github.com/ipfs-cluster/ipfs-cluster/informer/pinqueue"
	"github.com/ipfs-cluster/ipfs-cluster/informer/tags"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	"github.com/ipfs-cluster/ipfs-cluster/monitor/pubsubmon"
	"github.com/ipfs-cluster/ipfs-cluster/observations"
	"github.com/ipfs-cluster/ipfs-cluster/pintracker/stateless"

	pinconfig "github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/embedded"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// Settings is a service.json in memory: every section that a peer of this kind
// knows, ours and the library's, registered with the library's manager, which
// reads and writes the file and leaves alone what it does not know.
type Settings struct {
	Cluster   *ipfscluster.Config
	Raft      *raft.Config
	Crdt      *libcrdt.Config
	Pinsvcapi *pinconfig.Section[pinsvcapi.Config]
	Restapi   *pinconfig.Section[restapi.Config]
	Ipfsproxy *ipfsproxy.Config
	Ipfshttp  *ipfshttp.Config
	Embedded  *pinconfig.Section[embedded.Config]
	Tracker   *stateless.Config
	Monitor   *pubsubmon.Config
	Allocator *balanced.Config
	Disk      *disk.Config
	Tags      *tags.Config
	Pinqueue  *pinqueue.Config
	Metrics   *observations.MetricsConfig
	Tracing   *observations.TracingConfig
	Badger    *badger.Config
	Badger3   *badger3.Config
	LevelDB   *leveldb.Config
	Pebble    *pebble.Config

	folder   string
	manager  *config.Manager
	mistakes *mistakes
	sections []Section

	unreadable bool     // service.json is no JSON document
	strangers  []string // sections in it that nobody knows
}

// only limits which consensus, datastore and way to IPFS are registered,
// because all that is registered is written. Empty words mean all.
type only struct {
	consensus, datastore, ipfs string
}

// newSettings registers the sections. This is the list of them.
func newSettings(folder string, o only) *Settings {
	s := &Settings{folder: folder, manager: config.NewManager(), mistakes: &mistakes{}}
	s.Cluster = add[ipfscluster.Config](s, config.Cluster, "")
	s.Pinsvcapi = addOurs(s, config.API, pinsvcapi.NewSection())
	s.Restapi = addOurs(s, config.API, restapi.NewSection())
	s.addIPFS(o)
	s.Tracker = add[stateless.Config](s, config.PinTracker, "pin_tracker")
	s.Monitor = add[pubsubmon.Config](s, config.Monitor, "monitor")
	s.Allocator = add[balanced.Config](s, config.Allocator, "allocator")
	s.Disk = add[disk.Config](s, config.Informer, "informer")
	s.Tags = add[tags.Config](s, config.Informer, "informer")
	s.Pinqueue = add[pinqueue.Config](s, config.Informer, "informer")
	s.Metrics = add[observations.MetricsConfig](s, config.Observations, "observations")
	s.Tracing = add[observations.TracingConfig](s, config.Observations, "observations")
	s.addConsensus(o)
	return s
}

// addIPFS registers the connectors, and the proxy, which needs a Kubo.
func (s *Settings) addIPFS(o only) {
	if o.ipfs != IPFSEmbedded {
		s.Ipfsproxy = add[ipfsproxy.Config](s, config.API, "api")
		s.Ipfshttp = add[ipfshttp.Config](s, config.IPFSConn, "ipfs_connector")
	}
	if o.ipfs != IPFSKubo {
		s.Embedded = addOurs(s, config.IPFSConn, embedded.NewSection())
	}
}

func (s *Settings) addConsensus(o only) {
	if o.consensus != "raft" {
		s.Crdt = add[libcrdt.Config](s, config.Consensus, "consensus")
	}
	if o.consensus != "crdt" {
		s.Raft = add[raft.Config](s, config.Consensus, "consensus")
	}
	if o.consensus == "raft" {
		return // keeps its log in a folder of its own
	}
	for _, d := range []struct {
		name string
		add  func()
	}{
		{"badger", func() { s.Badger = add[badger.Config](s, config.Datastore, "datastore") }},
		{"badger3", func() { s.Badger3 = add[badger3.Config](s, config.Datastore, "datastore") }},
		{"leveldb", func() { s.LevelDB = add[leveldb.Config](s, config.Datastore, "datastore") }},
		{"pebble", func() { s.Pebble = add[pebble.Config](s, config.Datastore, "datastore") }},
	} {
		if o.datastore == "" || o.datastore == d.name {
			d.add()
		}
	}
}

// add registers a section of the library.
func add[T any, P interface {
	*T
	config.ComponentConfig
}](s *Settings, kind config.SectionType, group string) P {
	section := P(new(T))
	s.manager.RegisterComponent(kind, &checked{
		ComponentConfig: section,
		name:            sectionName(group, section.ConfigKey()),
		folder:          s.folder,
		fresh:           func() config.ComponentConfig { return P(new(T)) },
		mistakes:        s.mistakes,
	})
	s.sections = append(s.sections, Section{sectionName(group, section.ConfigKey()), section})
	return section
}

// addOurs registers a section of ours, whose errors name their keys.
func addOurs[T any](s *Settings, kind config.SectionType, section *pinconfig.Section[T]) *pinconfig.Section[T] {
	s.manager.RegisterComponent(kind, &checked{
		ComponentConfig: section,
		name:            section.Name(),
		folder:          s.folder,
		mistakes:        s.mistakes,
	})
	s.sections = append(s.sections, Section{section.Name(), section})
	return section
}

func sectionName(group, key string) string {
	if group == "" {
		return key
	}
	return group + "." + key
}

// Consensus returns the component that the file configures: "crdt" or "raft".
func (s *Settings) Consensus() (string, error) {
	hasCrdt := s.Has(config.Consensus, "crdt")
	hasRaft := s.Has(config.Consensus, "raft")
	switch {
	case hasCrdt && hasRaft:
		return "", errors.New("consensus: both crdt and raft are configured, remove one")
	case hasCrdt:
		return "crdt", nil
	case hasRaft:
		return "raft", nil
	}
	return "", errors.New("consensus: neither crdt nor raft is configured, add one")
}

// Has tells whether the file has the section. A component whose section is
// absent is disabled.
func (s *Settings) Has(kind config.SectionType, key string) bool {
	return s.manager.IsLoadedFromJSON(kind, key)
}
