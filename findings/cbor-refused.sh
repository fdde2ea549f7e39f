#!/usr/bin/env bash
# go-ipld-prime v0.24.0 cannot read blocks any more that v0.23.0 read, and that are pinned.
set -euo pipefail

module=github.com/ipld/go-ipld-prime
versions=(v0.23.0 v0.24.0)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'EOF'
package main

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// The blocks are CBOR as RFC 8949 has it, and not the strict form that dag-cbor asks
// of writers; older writers made them, and their CIDs are pinned.
func main() {
	for _, b := range [][2]string{
		{"820102", "a list"},
		{"9f0102ff", "the list, of indefinite length"},
		{"f97e00", "not a number"},
	} {
		data, err := hex.DecodeString(b[0])
		if err != nil {
			panic(err)
		}
		err = dagcbor.Decode(basicnode.Prototype.Any.NewBuilder(), bytes.NewReader(data))
		fmt.Printf("%s: %v\n", b[1], err)
	}
}
EOF

for version in "${versions[@]}"; do
	printf 'module finding\n\ngo 1.26.0\n\nrequire %s %s\n' "$module" "$version" >go.mod
	rm -f go.sum
	GOWORK=off GOFLAGS=-mod=mod go run . >"$version" 2>build.log || { cat build.log >&2 && exit 2; }
done

echo "version:  $module ${versions[*]}"
echo "expected: a minor version reads what the one before it read"
for version in "${versions[@]}"; do
	sed "s,^,seen:     $version: ," "$version"
done
[ "$(grep -c '<nil>' v0.23.0)" = 3 ] && [ "$(grep -c '<nil>' v0.24.0)" = 1 ]
