#!/usr/bin/env bash
# Generates clients from a document, without options, and compiles the programs
# that use them; prints the folder of the programs.
#
#   make.sh OPENAPI.YAML
#
# The versions of the generators are those of go.mod and package-lock.json. All is
# kept outside the tree, in ${XDG_CACHE_HOME:-~/.cache}/pinsvc-tools, in a folder
# named after what decides the result. It is safe to run several of these at once.
set -euo pipefail

[ $# -eq 1 ] || {
	echo "usage: make.sh OPENAPI.YAML" >&2
	exit 2
}
document=$(realpath "$1")
cd "$(dirname "$0")"
export GOFLAGS=-mod=readonly GOWORK=off

hash=$({
	cat "$document" ./*
	uname -sm
	go env GOVERSION
} | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinsvc-tools/generated-$hash

# go_clients compiles the Go programs in the folder where it is called.
go_clients() {
	mkdir oapi
	go tool oapi-codegen -package oapi openapi.yaml >oapi/oapi.go
	go tool ogen --target ogen --package ogen openapi.yaml
	go build -o oapi-story story_oapi.go
	go build -o ogen-story story_ogen.go
}

# js_clients compiles the JavaScript programs, of which types are part.
js_clients() {
	timeout 600 npm ci --ignore-scripts --no-audit --no-fund
	npx --no-install openapi-typescript openapi.yaml -o schema.ts
	npx --no-install openapi-ts -i openapi.yaml -o heyapi
	npx --no-install tsc -p .
}

if [ ! -e "$cache/done" ]; then
	mkdir -p "$cache"
	# The second of two waits for the first, then finds the programs.
	exec 9>"$cache/.lock"
	flock --wait 1200 9
	if [ ! -e "$cache/done" ]; then
		echo "generating clients (once; kept in $cache)" >&2
		find "$cache" -mindepth 1 -not -name .lock -delete
		cp ./* "$cache"
		cp "$document" "$cache/openapi.yaml"
		(
			cd "$cache"
			go_clients
			js_clients
		) >&2
		touch "$cache/done"
	fi
fi

echo "$cache"
