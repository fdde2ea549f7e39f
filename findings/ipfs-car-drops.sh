#!/usr/bin/env bash
# ipfs-car leaves out empty folders and symbolic links, and says nothing.
set -euo pipefail

version=3.1.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --no-save --ignore-scripts --no-audit --no-fund "ipfs-car@$version" >build.log 2>&1 ||
	{ cat build.log >&2 && exit 2; }

mkdir -p site/empty
echo hello >site/a.txt
ln -s a.txt site/link
npx --no-install ipfs-car pack site --output site.car >pack.out 2>pack.err
npx --no-install ipfs-car unpack site.car --output back >unpack.out 2>&1
before=$(cd site && find . -mindepth 1 -printf '%P (%y) ' | sort)
after=$(cd back && find . -mindepth 1 -printf '%P (%y) ' | sort)

echo "version:  ipfs-car $version"
echo "expected: UnixFS has folders without entries and links, so what comes back is what was packed, or an error"
echo "seen:     packed: $before"
echo "seen:     exit status 0, output: $(cut -c1-16 pack.out)..., errors: '$(cat pack.err)'"
echo "seen:     unpacked: $after"
[ "$after" = 'a.txt (f) ' ] && [ ! -s pack.err ]
