package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

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
// directory entries or fields below. It fetches the nodes on the way. What is
// wrong with a path is in the error's text, in the words of pathError.
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
		return api.CidUndef, fmt.Errorf("invalid path %q: %w", text, err)
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
	if n.net.DHT != nil {
		keys = n.net.DHT
	}
	names, err := namesys.NewNameSystem(keys)
	if err != nil {
		return nil, err
	}
	result, err := names.Resolve(ctx, p)
	if err != nil {
		return nil, nameError(p, err)
	}
	return result.Path, nil
}

// nameError says why a name could not be resolved: there is no such name, or
// nobody could be asked.
func nameError(p path.Path, err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &dns) && !dns.IsNotFound:
		return fmt.Errorf("%s cannot be looked up now: %w", p, err)
	}
	return fmt.Errorf("could not resolve name %s: %w", p, err)
}

// follow goes down from root, one or more segments at each node.
func (n *Node) follow(ctx context.Context, root cid.Cid, segments []string) (cid.Cid, error) {
	dag := merkledag.NewDAGService(n.net.Blocks)
	session := dag.Session(ctx)
	at := root
	for len(segments) > 0 {
		nd, err := session.Get(ctx, at)
		if err != nil {
			return cid.Undef, n.pathError(at, err, "block %s of the path cannot be read", at)
		}
		link, rest, err := uio.ResolveUnixfsOnce(ctx, session, nd, segments)
		if err != nil {
			return cid.Undef, n.pathError(at, err, "no link named %q under %s", strings.Join(segments, "/"), at)
		}
		at, segments = link.Cid, rest
	}
	return at, nil
}

// pathError says why a path cannot be followed at a node: its block does not
// come, this node cannot read its disk, or what is wrong with the path.
func (n *Node) pathError(at cid.Cid, err error, wrong string, args ...any) error {
	var own *fs.PathError
	switch {
	case errors.Is(err, context.Canceled), errors.As(err, &own):
		return err
	case errors.Is(err, context.DeadlineExceeded), ipld.IsNotFound(err):
		return fmt.Errorf("no peer has delivered the blocks of the path within %s, at %s: %w", n.cfg.RequestTimeout.Std(), at, err)
	}
	return fmt.Errorf(wrong+": %w", append(args, err)...)
}
