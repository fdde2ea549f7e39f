#!/usr/bin/env bash
# Installs the JavaScript clients, and prints the folder of their modules.
#
# The versions are those of package-lock.json. They are installed once, without
# running any package's own scripts, and kept outside the tree: in
# ${XDG_CACHE_HOME:-~/.cache}/pinsvc-tools, in a folder named after what decides
# the result. It is safe to run several of these at once.
set -euo pipefail
cd "$(dirname "$0")"

hash=$({
	cat package.json package-lock.json
	uname -sm
} | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinsvc-tools/clients-$hash

if [ ! -d "$cache/node_modules" ]; then
	mkdir -p "$cache"
	# The second of two waits for the first, then finds the modules.
	exec 9>"$cache/.lock"
	flock --wait 900 9
	if [ ! -d "$cache/node_modules" ]; then
		echo "installing the JavaScript clients (once; kept in $cache)" >&2
		rm -rf "$cache/new"
		mkdir "$cache/new"
		cp package.json package-lock.json "$cache/new"
		timeout 600 npm --prefix "$cache/new" ci --ignore-scripts --no-audit --no-fund >&2
		mv "$cache/new/node_modules" "$cache/node_modules"
	fi
fi

echo "$cache/node_modules"
