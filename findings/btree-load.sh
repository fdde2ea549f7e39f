#!/usr/bin/env bash
# The bulk load of a B-tree takes more memory than random inserts.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'END'
module finding

go 1.26.0

require github.com/tidwall/btree v1.8.1
END

cat >main.go <<'END'
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"

	"github.com/tidwall/btree"
)

const items = 1_000_000

// heap returns the live bytes of the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// bytesPerItem fills a tree of 8-byte items and returns what it takes for each.
func bytesPerItem(fill func(*btree.BTreeG[int64])) float64 {
	before := heap()
	t := btree.NewBTreeGOptions(func(a, b int64) bool { return a < b }, btree.Options{NoLocks: true})
	fill(t)
	size := float64(heap()-before) / items
	if t.Len() != items {
		panic("items are missing")
	}
	runtime.KeepAlive(t)
	return size
}

func main() {
	order := rand.New(rand.NewSource(1)).Perm(items)
	random := bytesPerItem(func(t *btree.BTreeG[int64]) {
		for _, i := range order {
			t.Set(int64(i))
		}
	})
	sorted := bytesPerItem(func(t *btree.BTreeG[int64]) {
		for i := range int64(items) {
			t.Load(i)
		}
	})
	runtime.KeepAlive(order)
	fmt.Println("expected: Load, which is for items in order, fills the nodes, as bulk loads do: fewer bytes for each item than Set in random order")
	fmt.Printf("seen:     Set in random order %.1f bytes for each item of 8 bytes, Load in order %.1f\n", random, sorted)
	if sorted < random*1.1 {
		os.Exit(1)
	}
}
END

GOWORK=off GOFLAGS=-mod=mod go build -o finding . 2>build.log || { cat build.log >&2 && exit 2; }
GOWORK=off go list -mod=mod -m -f 'version:  {{.Path}} {{.Version}}' github.com/tidwall/btree
./finding
