#!/usr/bin/env bash
# Boxo's gateway marks a CAR that it could not complete, and lets caches keep it as complete.
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
	github.com/ipld/go-car/v2 v2.17.0
)
EOF

cat >main.go <<'EOF'
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/gateway"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/ipld/go-car/v2"
)

func main() {
	ctx := context.Background()
	bs := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	blocks := blockservice.New(bs, offline.Exchange(bs))
	dag := merkledag.NewDAGService(blocks)

	// The root is here, its child is not.
	root := merkledag.NodeWithData([]byte("root"))
	must(root.AddNodeLink("leaf", merkledag.NodeWithData([]byte("leaf"))))
	must(dag.Add(ctx, root))
	backend, err := gateway.NewBlocksBackend(blocks)
	must(err)
	server := httptest.NewServer(gateway.NewHandler(gateway.Config{}, backend))
	defer server.Close()
	url := server.URL + "/ipfs/" + root.Cid().String() + "?format=car"

	res, body, err := get(url, "")
	must(err)
	_, tail, _ := strings.Cut(string(body), "\n\n")
	caching, tag := res.Header.Get("Cache-Control"), res.Header.Get("Etag")
	cached, _, err := get(url, tag)
	must(err)

	fmt.Println("expected: an incomplete answer can be told by its status or a broken connection, and no cache may keep it")
	fmt.Printf("seen:     %d, %d bytes received without an error, Content-Length %d\n", res.StatusCode, len(body), res.ContentLength)
	fmt.Printf("seen:     the CAR ends in %q\n", tail)
	fmt.Println("seen:     a reader of CARs says:", read(body))
	fmt.Println("seen:     Cache-Control:", caching)
	fmt.Println("seen:     with If-None-Match:", cached.StatusCode)
	if res.StatusCode != 200 || res.ContentLength != int64(len(body)) || tail == "" ||
		!strings.Contains(caching, "immutable") || cached.StatusCode != 304 {
		os.Exit(1)
	}
}

func get(url, tag string) (*http.Response, []byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	must(err)
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	res, err := http.DefaultClient.Do(req)
	must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

func read(body []byte) error {
	r, err := car.NewBlockReader(bytes.NewReader(body))
	for err == nil {
		_, err = r.Next()
	}
	return err
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
EOF

GOWORK=off GOFLAGS=-mod=mod go build -o finding . 2>build.log || { cat build.log >&2 && exit 2; }
GOWORK=off go list -mod=mod -m -f 'version:  {{.Path}} {{.Version}}' github.com/ipfs/boxo github.com/ipld/go-car/v2
./finding
