#!/usr/bin/env bash
# Bitswap's client lets 20 ms pass for each block that is asked for after another.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26.0

require (
	github.com/ipfs/boxo v0.43.0
	github.com/libp2p/go-libp2p v0.51.0
	github.com/ipfs/go-datastore v0.9.2
)
EOF

cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

const count = 50

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	server, have, _ := node(ctx)
	client, _, exchange := node(ctx)
	must(client.Connect(ctx, peer.AddrInfo{ID: server.ID(), Addrs: server.Addrs()}))
	rtt := time.Hour
	pings := ping.Ping(ctx, client, server.ID())
	for range 20 {
		rtt = min(rtt, (<-pings).RTT)
	}

	chain, flat := fill(ctx, have, "chain"), fill(ctx, have, "flat")
	session := exchange.NewSession(ctx)
	_, err := session.GetBlock(ctx, chain[0]) // finds the peer
	must(err)

	// As a walk does that learns a CID from the block before it.
	fastest, start := time.Hour, time.Now()
	for _, c := range chain[1:] {
		one := time.Now()
		_, err := session.GetBlock(ctx, c)
		must(err)
		fastest = min(fastest, time.Since(one))
	}
	oneByOne := time.Since(start) / (count - 1)

	start = time.Now()
	answers, err := session.GetBlocks(ctx, flat)
	must(err)
	for range answers {
	}
	together := time.Since(start) / count

	fmt.Println("expected: a small block takes about a round trip, which is", rtt)
	fmt.Println("seen:     one by one", oneByOne, "a block, never less than", fastest)
	fmt.Println("seen:     all at once", together, "a block")
	if rtt > 5*time.Millisecond {
		fmt.Println("this machine is too busy to tell")
		os.Exit(2)
	}
	if fastest < 15*time.Millisecond {
		os.Exit(1)
	}
}

func node(ctx context.Context) (host.Host, blockstore.Blockstore, *bitswap.Bitswap) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	must(err)
	bs := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	return h, bs, bitswap.New(ctx, bsnet.NewFromIpfsHost(h), nil, bs)
}

func fill(ctx context.Context, bs blockstore.Blockstore, name string) []cid.Cid {
	var cids []cid.Cid
	for i := range count {
		b := blocks.NewBlock(fmt.Append(nil, name, i))
		must(bs.Put(ctx, b))
		cids = append(cids, b.Cid())
	}
	return cids
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
EOF

GOWORK=off GOFLAGS=-mod=mod go build -o finding . 2>build.log || { cat build.log >&2 && exit 2; }
GOWORK=off go list -mod=mod -m -f 'version:  {{.Path}} {{.Version}}' github.com/ipfs/boxo github.com/libp2p/go-libp2p
./finding
