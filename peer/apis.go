package peer

import (
	"context"
	"fmt"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset/view"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// door is an API that has its addresses bound.
type door struct {
	section string   // "api.pinsvcapi"
	urls    []string // as clients write them, or multiaddrs
	api     ipfscluster.API
}

// openDoors binds the APIs whose section is there. An error names the section
// and the address, and leaves to the caller the doors that are open already.
// The REST API needs the host on Raft; without it (h is nil) that one waits.
func (p *Peer) openDoors(context.Context) error {
	s := p.settings
	p.budget = common.NewBudget(s.inflightBytes())
	p.memory = pinsvcapi.NewMemory()
	if s.has(config.API, "pinsvcapi") {
		if err := p.openPinsvcapi(); err != nil {
			return err // it names the section
		}
	}
	if s.has(config.API, "ipfsproxy") {
		proxy, err := p.openProxy()
		if err != nil {
			return fmt.Errorf("api.ipfsproxy: %w", err)
		}
		var urls []string
		for _, a := range s.Ipfsproxy.ListenAddr {
			urls = append(urls, a.String())
		}
		p.doors = append(p.doors, door{"api.ipfsproxy", urls, proxy})
	}
	if p.kind != "raft" {
		return p.openRestapi(nil)
	}
	return nil
}

// inflightBytes returns how many bytes the requests of all APIs may have in
// memory: the smallest that one of them is configured with, 0 for the default.
func (s *Settings) inflightBytes() int64 {
	pins, rest := s.Pinsvcapi.Value().MaxInflightBytes, s.Restapi.Value().MaxInflightBytes
	if pins == 0 || rest == 0 {
		return max(pins, rest)
	}
	return min(pins, rest)
}

// viewless, when the linker sets it, makes a peer whose lists scan: what the
// benchmark measures the cost of the view against (bench -viewless).
var viewless string

func (p *Peer) openPinsvcapi() error {
	section := p.settings.Pinsvcapi
	options := []pinsvcapi.Option{
		pinsvcapi.WithReady(p.ready), pinsvcapi.WithUnready(p.unready), pinsvcapi.WithWarnings(p.warnings), pinsvcapi.WithLocalPeer(&p.local),
		pinsvcapi.WithBaseDir(p.settings.folder), pinsvcapi.WithCredentials(p.credentials[section.Name()]),
		pinsvcapi.WithGuard(p.guard), pinsvcapi.WithBudget(p.budget),
		pinsvcapi.WithMemory(p.memory),
	}
	if viewless == "" {
		p.view = view.New(view.Options{Memory: p.budget})
		options = append(options, pinsvcapi.WithView(p.view.Before), pinsvcapi.WithSettledWrites())
	}
	api, err := pinsvcapi.New(section.Value(), options...)
	if err != nil {
		return err
	}
	if err := api.Listen(); err != nil {
		return err
	}
	p.doors = append(p.doors, door{"api.pinsvcapi", api.URLs(), api})
	return nil
}

// openRestapi binds the REST API. On Raft, where every peer is trusted, it is
// also served on the cluster's host h, as ipfs-cluster-service does, unless it
// has a libp2p address of its own.
func (p *Peer) openRestapi(h host.Host) error {
	if !p.settings.has(config.API, "restapi") {
		return nil
	}
	section := p.settings.Restapi
	options := []restapi.Option{restapi.WithReady(p.ready),
		restapi.WithBaseDir(p.settings.folder), restapi.WithCredentials(p.credentials[section.Name()]),
		restapi.WithGuard(p.guard), restapi.WithBudget(p.budget),
		restapi.WithUnready(p.unready), restapi.WithWarnings(p.warnings),
		restapi.WithShardedAdds(&p.adds), restapi.WithRoom(p.room), restapi.WithStatuses(p.memory)}
	if kind, err := p.settings.IPFS(); err == nil && kind == embeddedSection {
		options = append(options, restapi.WithBlocks(ownBlocks{p}))
	}
	if h != nil {
		options = append(options, restapi.WithHost(h))
	}
	api, err := restapi.New(section.Value(), options...)
	if err != nil {
		return err
	}
	if err := api.Listen(); err != nil {
		return err
	}
	p.doors = append(p.doors, door{section.Name(), api.URLs(), api})
	return nil
}
