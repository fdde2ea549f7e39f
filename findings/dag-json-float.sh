#!/usr/bin/env bash
# go-ipld-prime writes the float 1.0 as the integer 1 in dag-json: another CID comes back.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26.0

require (
	github.com/ipld/go-ipld-prime v0.24.0
	github.com/ipfs/go-cid v0.6.2
	github.com/multiformats/go-multihash v0.2.3
)
EOF

cat >main.go <<'EOF'
package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/codec/dagjson"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/multiformats/go-multihash"
)

func main() {
	fmt.Println("expected: a float keeps a decimal point in dag-json, as the codec's specification says it should, and its CID")
	changed := 0
	for _, block := range []string{
		"fb3ff0000000000000", // 1.0
		"fb4340000000000000", // 2 to the 53rd, as a float
		"fb3ff8000000000000", // 1.5, which is to compare with
	} {
		before, err := hex.DecodeString(block)
		must(err)
		text := convert(before, dagcbor.Decode, dagjson.Encode)
		after := convert(text, dagjson.Decode, dagcbor.Encode)
		fmt.Printf("seen:     dag-cbor %x (%s) > dag-json %s > dag-cbor %x (%s)\n",
			before, name(before), text, after, name(after))
		if !bytes.Equal(before, after) {
			changed++
		}
	}
	if changed != 2 {
		os.Exit(1)
	}
}

func convert(
	data []byte, decode func(datamodel.NodeAssembler, io.Reader) error, encode func(datamodel.Node, io.Writer) error,
) []byte {
	nb := basicnode.Prototype.Any.NewBuilder()
	must(decode(nb, bytes.NewReader(data)))
	var out bytes.Buffer
	must(encode(nb.Build(), &out))
	return out.Bytes()
}

func name(block []byte) string {
	c, err := cid.V1Builder{Codec: cid.DagCBOR, MhType: multihash.SHA2_256}.Sum(block)
	must(err)
	return c.String()[:16] + "..."
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
EOF

GOWORK=off GOFLAGS=-mod=mod go build -o finding . 2>build.log || { cat build.log >&2 && exit 2; }
GOWORK=off go list -mod=mod -m -f 'version:  {{.Path}} {{.Version}}' github.com/ipld/go-ipld-prime
./finding
