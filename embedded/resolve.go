package embedded

import (
	"context"
	"fmt"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/ipld/merkledag"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/boxo/namesys"
	"github.com/ipfs/boxo/path"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	routinghelpers "github.com/libp2p/go-libp2p-routing-helpers"
	"github.com/libp2p/go-libp2p/core/routing"
)

// Resolve gives the CID that a path leads to: a CID, with or without /ipfs/, or
// a name with or without /ipns/ (a key or a DNSLink domain), and names of
// directory entries or fields below. It fetches the nodes on the way.
func (n *Node) Resolve(ctx context.Context, text string) (api.Cid, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return api.CidUndef, err
	}
	defer leave()
	p, err := parsePath(text)
	if err != nil {
		return api.CidUndef, err
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout.Std())
	defer cancel()
	if p.Mutable() {
		if p, err = n.resolveName(ctx, p); err != nil {
			return api.CidUndef, err
		}
	}
	immutable, err := path.NewImmutablePath(p)
	if err != nil {
		return api.CidUndef, err
	}
	c, err := n.follow(ctx, immutable.RootCid(), immutable.Segments()[2:])
	if err != nil {
		return api.CidUndef, fmt.Errorf("resolving %s: %w", text, err)
	}
	return api.NewCid(c), nil
}

func parsePath(text string) (path.Path, error) {
	p, err := path.NewPath(text)
	if err == nil {
		return p, nil
	}
	if p, err2 := path.NewPath("/ipfs/" + text); err2 == nil {
		return p, nil
	}
	return nil, err
}

func (n *Node) resolveName(ctx context.Context, p path.Path) (path.Path, error) {
	var keys routing.ValueStore = routinghelpers.Null{} // DNSLinks work without DHT
	if n.net.dht != nil {
		keys = n.net.dht
	}
	names, err := namesys.NewNameSystem(keys)
	if err != nil {
		return nil, err
	}
	result, err := names.Resolve(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", p, err)
	}
	return result.Path, nil
}

// follow goes down from root, one or more segments at each node.
func (n *Node) follow(ctx context.Context, root cid.Cid, segments []string) (cid.Cid, error) {
	dag := merkledag.NewDAGService(n.net.blocks)
	session := dag.Session(ctx)
	at := root
	for len(segments) > 0 {
		nd, err := session.Get(ctx, at)
		if err != nil {
			return cid.Undef, err
		}
		var link *ipld.Link
		link, segments, err = uio.ResolveUnixfsOnce(ctx, session, nd, segments)
		if err != nil {
			return cid.Undef, err
		}
		at = link.Cid
	}
	return at, nil
}
