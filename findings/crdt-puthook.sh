#!/usr/bin/env bash
# go-ds-crdt calls PutHook before the value can be read.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26.0

require (
	github.com/ipfs/go-ds-crdt v0.6.8
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
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	crdt "github.com/ipfs/go-ds-crdt"
)

// silent is the broadcaster of a replica that is alone.
type silent struct{}

func (silent) Broadcast(context.Context, []byte) error { return nil }

func (silent) Next(ctx context.Context) ([]byte, error) {
	<-ctx.Done()
	return nil, crdt.ErrNoMoreBroadcast
}

func main() {
	ctx := context.Background()
	bs := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	blocks := blockservice.New(bs, offline.Exchange(bs))
	dag := merkledag.NewDAGService(blocks)

	var replica *crdt.Datastore
	var seen []string
	read := func(hook string, k datastore.Key) {
		v, err := replica.Get(ctx, k)
		seen = append(seen, fmt.Sprintf("%q %v", v, err))
		fmt.Printf("seen:     in %s, Get says %q, %v\n", hook, v, err)
	}
	opts := crdt.DefaultOptions()
	opts.PutHook = func(k datastore.Key, v []byte) { read(fmt.Sprintf("PutHook(%s, %q)", k, v), k) }
	opts.DeleteHook = func(k datastore.Key) { read(fmt.Sprintf("DeleteHook(%s)", k), k) }

	fmt.Println("expected: in PutHook, which is documented for elements that were added, Get says the new value")
	replica, err := crdt.New(dssync.MutexWrap(datastore.NewMapDatastore()), datastore.NewKey("/crdt"), dag, silent{}, opts)
	must(err)
	k := datastore.NewKey("/k")
	must(replica.Put(ctx, k, []byte("old")))
	must(replica.Put(ctx, k, []byte("new")))
	must(replica.Delete(ctx, k))

	missing := fmt.Sprintf("%q %v", "", datastore.ErrNotFound)
	if fmt.Sprint(seen) != fmt.Sprint([]string{missing, `"old" <nil>`, missing}) {
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
GOWORK=off go list -mod=mod -m -f 'version:  {{.Path}} {{.Version}}' github.com/ipfs/go-ds-crdt
./finding
