package peer

import (
	"context"
	"fmt"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/peer/verify"
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
	p.budget = common.NewBudget(s.InflightBytes())
	p.memory = pinsvcapi.NewMemory()
	if s.Has(config.API, "pinsvcapi") {
		if err := p.openPinsvcapi(); err != nil {
			return err // it names the section
		}
	}
	if s.Has(config.API, "ipfsproxy") {
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

// apiOptions returns the options of the API in a section. h serves it over libp2p, too,
// unless it is nil.
func (p *Peer) apiOptions(section string, h host.Host) common.Options {
	return common.Options{
		Ready: p.ready, Unready: p.unready, Warnings: p.warnings,
		Credentials: p.credentials[section], Throttle: p.throttle, Budget: p.budget,
		BaseDir: p.settings.Folder(), Host: h,
	}
}

func (p *Peer) openPinsvcapi() error {
	section := p.settings.Pinsvcapi
	options := []pinsvcapi.Option{
		pinsvcapi.WithOptions(p.apiOptions(section.Name(), nil)), pinsvcapi.WithLocalPeer(&p.local), pinsvcapi.WithMemory(p.memory),
	}
	if !p.noView {
		p.view = view.New(view.Options{Memory: p.budget, Scanned: p.scanned})
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
	if !p.settings.Has(config.API, "restapi") {
		return nil
	}
	section := p.settings.Restapi
	options := []restapi.Option{restapi.WithOptions(p.apiOptions(section.Name(), h)),
		restapi.WithShardedAdds(&p.adds), restapi.WithRoom(p.room), restapi.WithStatuses(p.memory)}
	if kind, err := p.settings.IPFS(); err == nil && kind == settings.SectionEmbedded {
		options = append(options, restapi.WithBlocks(verify.NewLive(p.verified)))
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

// verified returns the parts of a peer that is ready for verifications.
func (p *Peer) verified() verify.Peer {
	return verify.Peer{ID: p.local.id, Node: p.node, State: p.local.State, Tracker: p.local.tracker, Shards: p.shards}
}
