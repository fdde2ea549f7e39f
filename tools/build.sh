#!/usr/bin/env bash
# Builds one third-party program that the tests drive, and prints its path.
#
#   tools/build.sh ipfs | ipfs-cluster-service | ipfs-cluster-ctl
#
# The versions are those of tools/*/go.mod: modules apart, so that Kubo's
# dependencies never decide ours. A program is built once and kept outside the
# tree, in ${XDG_CACHE_HOME:-~/.cache}/pinsvc-tools, in a folder named after
# what decides the result. It is safe to run several of these at once.
set -euo pipefail

usage() {
	echo "usage: tools/build.sh ipfs|ipfs-cluster-service|ipfs-cluster-ctl" >&2
	exit 2
}

[ $# -eq 1 ] || usage
name=$1
case $name in
ipfs) folder=kubo module=github.com/ipfs/kubo package=$module/cmd/ipfs ;;
ipfs-cluster-service | ipfs-cluster-ctl)
	folder=cluster module=github.com/ipfs-cluster/ipfs-cluster package=$module/cmd/$name
	;;
*) usage ;;
esac

cd "$(dirname "$0")/$folder"

# The environment of the caller may be made for another module.
export GOFLAGS=-mod=readonly GOWORK=off

version=$(awk -v m="$module" '$1 == m { print $2 } $2 == m { print $3 }' go.mod | head -n 1)
hash=$({
	cat go.mod go.sum
	go env GOVERSION GOOS GOARCH
} | sha256sum | cut -c1-12)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinsvc-tools/$folder-$version-$hash
program=$cache/$name

if [ ! -x "$program" ]; then
	mkdir -p "$cache"
	# The second of two waits for the first, then finds the program.
	exec 9>"$cache/.lock"
	flock 9
	if [ ! -x "$program" ]; then
		echo "building $name $version (once; kept in $cache)" >&2
		go build -buildvcs=false -ldflags="-s -w" -o "$program.new" "$package" >&2
		mv "$program.new" "$program"
	fi
fi

echo "$program"
