#!/usr/bin/env bash
# Kubo's pin/add with progress=true answers 200 for a pin that fails.
set -euo pipefail

version=v0.43.0
dir=$(mktemp -d)
daemon=
finish() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" || true
	rm -rf "$dir"
}
trap finish EXIT
cd "$dir"

cat >go.mod <<EOF
module finding
go 1.26
require github.com/ipfs/kubo $version
EOF
GOWORK=off GOFLAGS='-mod=mod -buildvcs=false' go build -ldflags='-s -w' -o ipfs github.com/ipfs/kubo/cmd/ipfs 2>build.log ||
	{ cat build.log >&2 && exit 2; }

# A node without peers cannot fetch the block: the pin ends with its timeout.
export IPFS_PATH=$dir/repo
./ipfs init --empty-repo --profile=test >/dev/null
./ipfs daemon >daemon.log 2>&1 &
daemon=$!
for _ in $(seq 300); do
	grep -q 'Daemon is ready' daemon.log && break
	sleep 0.2
done
port=$(sed 's,.*/tcp/,,' repo/api)

cid=bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy
pin() { curl -s -X POST -D "$1" -o "$1.body" "http://127.0.0.1:$port/api/v0/pin/add?arg=$cid&timeout=3s&progress=$2"; }
status() { sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$1"; }
pin plain false
pin progress true
trailer=$(tr -d '\r' <progress | sed -n 's/^X-Stream-Error: //p')
pinned=$(./ipfs pin ls --type=recursive --quiet | grep -c "$cid" || true)

echo "versions: $(./ipfs version)"
echo "expected: the status of a failed pin is an error, with and without progress"
echo "seen:     progress=false: $(status plain) $(jq -r .Message plain.body)"
echo "seen:     progress=true: $(status progress), body $(tr -d '\n' <progress.body), trailer X-Stream-Error: $trailer"
echo "seen:     pins of it afterwards: $pinned"
[ "$(status plain)" = 500 ] && [ "$(status progress)" = 200 ] && [ -n "$trailer" ] &&
	! grep -qi error progress.body && [ "$pinned" = 0 ]
