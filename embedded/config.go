package embedded

import (
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/embedded/network"
)

// What is provided to the DHT.
const (
	provideRoots  = "roots"
	providePinned = "pinned"
	provideNone   = "none"
)

// defaultPort is next to those of the cluster (9094 to 9097). Kubo's 4001 is
// left to a Kubo on the same machine.
const defaultPort = "9098"

// Config is the section `ipfs_connector.embedded` of service.json: an IPFS node
// in the peer's process. Its presence, instead of `ipfs_connector.ipfshttp`,
// makes the peer run one.
type Config struct {
	// ListenMultiaddresses is where other IPFS nodes reach this one. Port 0
	// takes a free port at every start, which makes the node hard to find.
	ListenMultiaddresses network.Addresses `json:"listen_multiaddresses"`

	// AnnounceMultiaddresses are told to others instead of the addresses that
	// the node finds out by itself. Set them behind a NAT or a load balancer
	// whose public addresses are known. Empty: found out.
	AnnounceMultiaddresses network.Addresses `json:"announce_multiaddresses"`

	// BootstrapMultiaddresses are the peers that are dialled at start, and
	// again while there are few connections; each ends in /p2p/<peer ID>.
	// Empty: the public bootstrap peers when the DHT is joined, else nobody.
	BootstrapMultiaddresses network.Addresses `json:"bootstrap_multiaddresses"`

	// JoinDHT makes the node look for content in the DHT and provide its own
	// there: the public DHT, or a private one if BootstrapMultiaddresses lead
	// to that. Without it content comes from origins, from cluster peers and
	// from whoever is connected.
	JoinDHT bool `json:"join_dht"`

	// NATPortMap asks the router for a port mapping (UPnP, NAT-PMP).
	NATPortMap bool `json:"nat_port_map"`

	// Folder is where blocks, records and the node's identity are, relative to
	// the configuration's folder. Changing it leaves the old one where it is.
	Folder string `json:"folder"`

	// StorageMax is how much the blocks may take on disk, "500GB" or a number
	// of bytes. Pins beyond it fail and say so. 0: as much as the disk holds,
	// but for 64 MiB.
	StorageMax Size `json:"storage_max"`

	// GCWhenFull collects garbage when a pin finds the storage full, before it
	// fails. Without it only `ipfs-cluster-ctl ipfs gc` frees anything.
	GCWhenFull bool `json:"gc_when_full"`

	// VerifyRate is how many bytes per second of the blocks on disk are read in
	// the background and compared with their hashes, "4MB" or a number of bytes.
	// Damaged blocks are fetched again. A pass over all blocks begins once a day
	// at most: at 4MB/s, 1 TB takes three days. Raise it on fast disks, lower it
	// where reads disturb. 0: only pins that are recovered or sent again, and
	// what `pinsvc verify` is told to check.
	VerifyRate Size `json:"verify_rate"`

	// PinTimeout ends a pin for which no block arrived for that long. The peer
	// tries again later. Raise it for content that is rarely online.
	PinTimeout config.Duration `json:"pin_timeout"`

	// RequestTimeout bounds other requests that may need the network: single
	// blocks, resolving a path, connecting to cluster peers.
	RequestTimeout config.Duration `json:"ipfs_request_timeout"`

	// ConnectSwarmsDelay is the time after the start when the node first
	// connects to the IPFS nodes of the cluster peers. 0: never by itself.
	ConnectSwarmsDelay config.Duration `json:"connect_swarms_delay"`

	// BlocksInFlight bounds how many blocks are asked for at once for one pin.
	// Fewer save memory, more help with small blocks from far away. Nodes serve
	// at most 1024 to a peer.
	BlocksInFlight int `json:"blocks_in_flight"`

	// ConnectionsLow and ConnectionsHigh: above the high number of connections
	// the least useful are closed until the low number is reached.
	ConnectionsLow  int `json:"connections_low"`
	ConnectionsHigh int `json:"connections_high"`

	// Provide says which blocks of pins are provided to the DHT: "roots",
	// which is enough for whoever has a link; "pinned", every block, which
	// takes a DHT lookup for each of them; or "none".
	Provide string `json:"provide"`

	// ReprovideInterval is how often everything is provided again. Records in
	// the public DHT are forgotten after two days. 0: never.
	ReprovideInterval config.Duration `json:"reprovide_interval"`

	// UnpinDisable refuses to unpin anything, which then fails in the tracker.
	UnpinDisable bool `json:"unpin_disable,omitempty"`

	// InformerTriggerInterval is after how many pins the peer tells the others
	// its free space at once, instead of waiting for the next ping. 0: never.
	InformerTriggerInterval int `json:"informer_trigger_interval"`
}

// DefaultConfig is a node of the public network.
func DefaultConfig() Config {
	return Config{
		ListenMultiaddresses: network.Addresses{
			ma.StringCast("/ip4/0.0.0.0/tcp/" + defaultPort),
			ma.StringCast("/ip6/::/tcp/" + defaultPort),
			ma.StringCast("/ip4/0.0.0.0/udp/" + defaultPort + "/quic-v1"),
			ma.StringCast("/ip6/::/udp/" + defaultPort + "/quic-v1"),
		},
		AnnounceMultiaddresses:  network.Addresses{},
		BootstrapMultiaddresses: network.Addresses{},
		JoinDHT:                 true,
		NATPortMap:              true,
		Folder:                  "ipfs",
		GCWhenFull:              true,
		VerifyRate:              4e6,
		PinTimeout:              config.Duration(2 * time.Minute),
		RequestTimeout:          config.Duration(5 * time.Minute),
		ConnectSwarmsDelay:      config.Duration(30 * time.Second),
		BlocksInFlight:          512,
		ConnectionsLow:          64,
		ConnectionsHigh:         128,
		Provide:                 provideRoots,
		ReprovideInterval:       config.Duration(22 * time.Hour),
	}
}

// NewSection returns the section with its defaults.
func NewSection() *config.Section[Config] {
	return config.New(config.Spec[Config]{
		Group:    "ipfs_connector",
		Key:      "embedded",
		Env:      "cluster_embedded",
		Defaults: DefaultConfig,
		Validate: (*Config).Validate,
	})
}

// Validate returns every mistake, each naming its key.
func (c *Config) Validate() []error {
	var errs []error
	wrong := func(is bool, key, format string, args ...any) {
		if is {
			errs = append(errs, config.KeyError(key, format, args...))
		}
	}
	wrong(len(c.ListenMultiaddresses) == 0, "listen_multiaddresses", "there must be at least one")
	for _, a := range c.BootstrapMultiaddresses {
		_, err := peer.AddrInfoFromP2pAddr(a)
		wrong(err != nil, "bootstrap_multiaddresses", "%s does not end in /p2p/<peer ID>", a)
	}
	wrong(c.Folder == "", "folder", "must not be empty")
	wrong(c.PinTimeout <= 0, "pin_timeout", "must be positive")
	wrong(c.RequestTimeout <= 0, "ipfs_request_timeout", "must be positive")
	wrong(c.ConnectSwarmsDelay < 0, "connect_swarms_delay", "must not be negative")
	wrong(c.BlocksInFlight < leastWants || c.BlocksInFlight > 1024, "blocks_in_flight",
		"%d is not between %d and 1024", c.BlocksInFlight, leastWants)
	wrong(c.ConnectionsLow < 1, "connections_low", "must be positive")
	wrong(c.ConnectionsHigh < c.ConnectionsLow, "connections_high", "must not be below connections_low")
	wrong(c.Provide != provideRoots && c.Provide != providePinned && c.Provide != provideNone,
		"provide", "%q is none of roots, pinned, none", c.Provide)
	wrong(c.ReprovideInterval < 0, "reprovide_interval", "must not be negative")
	wrong(c.InformerTriggerInterval < 0, "informer_trigger_interval", "must not be negative")
	return errs
}

// folder is the node's folder.
func (c *Config) folder(baseDir string) string {
	if filepath.IsAbs(c.Folder) {
		return c.Folder
	}
	return filepath.Join(baseDir, c.Folder)
}
