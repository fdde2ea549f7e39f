#!/usr/bin/env bash
# ipfs-cluster's tracker calls a pin that is being fetched unexpectedly unpinned.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'END'
module finding

go 1.26.0

require (
	github.com/ipfs-cluster/ipfs-cluster v1.1.6
	github.com/libp2p/go-libp2p v0.48.0
	github.com/libp2p/go-libp2p-gorpc v0.6.0
)
END

cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/inmem"
	"github.com/ipfs-cluster/ipfs-cluster/pintracker/stateless"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/state/dsstate"
	"github.com/libp2p/go-libp2p"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
)

// node is an IPFS node without pins, whose fetches take long.
type node struct{ began chan struct{} }

func (n *node) Pin(ctx context.Context, _ api.Pin, _ *struct{}) error {
	close(n.began)
	<-ctx.Done()
	return ctx.Err()
}

func (n *node) PinLs(_ context.Context, _ <-chan []string, out chan<- api.IPFSPinInfo) error {
	close(out)
	return nil
}

type cluster struct{}

func (cluster) IPFSID(_ context.Context, _ peer.ID, _ *api.IPFSID) error { return nil }

func main() {
	ctx := context.Background()
	h, err := libp2p.New(libp2p.NoListenAddrs)
	must(err)
	st, err := dsstate.New(ctx, inmem.New(), "", dsstate.DefaultHandle())
	must(err)
	cfg := &stateless.Config{}
	must(cfg.Default())
	tracker := stateless.New(cfg, h.ID(), "me", func(context.Context) (state.ReadOnly, error) { return st, nil })
	ipfs := &node{began: make(chan struct{})}
	s := rpc.NewServer(h, "test")
	must(s.RegisterName("IPFSConnector", ipfs))
	must(s.RegisterName("Cluster", cluster{}))
	tracker.SetClient(rpc.NewClientWithServer(h, "test", s))

	c, err := api.DecodeCid("bafkreigaknpexyvxt76zgkitavbwx6ejgfheup5oybpm77f3pxzrvwpfdi")
	must(err)
	pin := api.PinWithOpts(c, api.PinOptions{ReplicationFactorMin: -1, ReplicationFactorMax: -1})
	must(st.Add(ctx, pin))
	must(tracker.Track(ctx, pin))
	select {
	case <-ipfs.began:
	case <-time.After(time.Minute):
		os.Exit(2)
	}

	fmt.Println("expected: a pin that is being fetched is pinning, and a list of what is unexpectedly unpinned does not have it")
	one := list(ctx, tracker, api.TrackerStatusPinning|api.TrackerStatusUnexpectedlyUnpinned)
	two := list(ctx, tracker, api.TrackerStatusUnexpectedlyUnpinned)
	fmt.Printf("seen:     the same pin is %v in a list of pinning,unexpectedly_unpinned, and %v in one of unexpectedly_unpinned\n", one, two)
	if fmt.Sprint(one, two) != "[pinning] [unexpectedly_unpinned]" {
		os.Exit(1)
	}
}

func list(ctx context.Context, t *stateless.Tracker, filter api.TrackerStatus) (all []string) {
	out := make(chan api.PinInfo, 10)
	must(t.StatusAll(ctx, filter, out))
	for info := range out {
		all = append(all, info.Status.String())
	}
	return all
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
END

GOWORK=off GOFLAGS=-mod=mod go build -o finding . 2>build.log || { cat build.log >&2 && exit 2; }
GOWORK=off go list -mod=mod -m -f 'version:  {{.Path}} {{.Version}}' github.com/ipfs-cluster/ipfs-cluster
./finding
