#!/usr/bin/env bash
# go-cid and multiformats disagree on which texts are a CID.
set -euo pipefail

gocid=v0.6.2 multibase=v0.3.0 multiformats=14.0.5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<EOF
module finding

go 1.26.0

require (
	github.com/ipfs/go-cid $gocid
	github.com/multiformats/go-multibase $multibase
)
EOF

cat >main.go <<'EOF'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/ipfs/go-cid"
)

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	for _, text := range texts {
		c, err := cid.Decode(text)
		if err != nil {
			fmt.Println("refused")
			continue
		}
		fmt.Println(c)
	}
}
EOF

cat >main.mjs <<'EOF'
import { readFileSync } from 'node:fs'
import { CID } from 'multiformats/cid'

for (const text of JSON.parse(readFileSync(0))) {
  try {
    console.log(CID.parse(text).toString())
  } catch {
    console.log('refused')
  }
}
EOF

{
	GOWORK=off GOFLAGS=-mod=mod go build -o finding . &&
		npm install --no-save --ignore-scripts --no-audit --no-fund "multiformats@$multiformats"
} >build.log 2>&1 || { cat build.log >&2 && exit 2; }

# One CID: 36 bytes are 57.6 characters of base32, so two bits of the last one mean nothing.
cid=bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy
upper=b$(tr '[:lower:]' '[:upper:]' <<<"${cid#b}")
jq -n --arg c "$cid" --arg u "$upper" \
	'[$c, ($c | .[:-1] + "z"), ($c | .[:-1] + "2"), $c + "\n", ($c | .[:20] + "\n" + .[20:]), $c + "=", $u]' >texts
./finding <texts >go.out
node main.mjs <texts >js.out

echo "version:  github.com/ipfs/go-cid $gocid with go-multibase $multibase, multiformats $multiformats"
echo "expected: both take the same texts, and write one CID in one way"
paste <(jq -c '.[]' texts) go.out js.out | while IFS=$'\t' read -r text go js; do
	echo "seen:     $text: go-cid $go, multiformats $js"
done
diff <(printf '%s\n' "$cid" "$cid" "$cid" "$cid" "$cid" refused "$cid") go.out &&
	diff <(printf '%s\n' "$cid" refused refused refused refused "$cid=" "$upper") js.out
