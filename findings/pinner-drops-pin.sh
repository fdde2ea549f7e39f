#!/usr/bin/env bash
# Boxo's pinner: to pin again what is pinned, and fail, removes the pin.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26.0

require (
	github.com/ipfs/boxo v0.43.0
	github.com/ipfs/go-datastore v0.9.2
)
EOF

cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/ipld/merkledag"
	pin "github.com/ipfs/boxo/pinning/pinner"
	"github.com/ipfs/boxo/pinning/pinner/dspinner"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	ipld "github.com/ipfs/go-ipld-format"
)

func main() {
	ctx := context.Background()
	bs := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	blocks := blockservice.New(bs, offline.Exchange(bs))
	dag := merkledag.NewDAGService(blocks)
	pinner, err := dspinner.New(ctx, dssync.MutexWrap(datastore.NewMapDatastore()), dag)
	must(err)

	leaf := merkledag.NodeWithData([]byte("leaf"))
	root := merkledag.NodeWithData([]byte("root"))
	must(root.AddNodeLink("leaf", leaf))
	must(dag.AddMany(ctx, []ipld.Node{leaf, root}))
	must(pinner.Pin(ctx, root, true, "old name"))
	_, before, err := pinner.IsPinnedWithType(ctx, root.Cid(), pin.Recursive)
	must(err)

	// A disk lost one block, and nobody has it just now.
	must(bs.DeleteBlock(ctx, leaf.Cid()))
	again := pinner.Pin(ctx, root, true, "new name")
	_, after, err := pinner.IsPinnedWithType(ctx, root.Cid(), pin.Recursive)
	must(err)

	fmt.Println("expected: a Pin that fails changes nothing: the root, which is here, stays pinned")
	fmt.Println("seen:     before: pinned", before)
	fmt.Println("seen:     Pin with another name:", again)
	fmt.Println("seen:     after: pinned", after)
	if !before || again == nil || after {
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
EOF

GOWORK=off GOFLAGS=-mod=mod go build -o finding . 2>build.log || { cat build.log >&2 && exit 2; }
GOWORK=off go list -mod=mod -m -f 'version:  {{.Path}} {{.Version}}' github.com/ipfs/boxo
./finding
