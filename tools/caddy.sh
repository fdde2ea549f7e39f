#!/usr/bin/env bash
# Downloads Debian's package of the web server Caddy, which docs/quickstart.md
# installs, and prints its path. It is not installed: that would start a web server
# on the machine. Kept in ${XDG_CACHE_HOME:-~/.cache}/pinsvc-tools. It is safe to
# run several of these at once.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pinsvc-tools
mkdir -p "$cache"
exec 9>"$cache/.caddy.lock"
flock 9
shopt -s nullglob
packages=("$cache"/caddy_*.deb)
if [ ${#packages[@]} -eq 0 ]; then
	echo "downloading Debian's package of caddy (once; kept in $cache)" >&2
	new=$(mktemp -d "$cache/caddy.XXXXXX")
	(cd "$new" && { apt-get -o Acquire::Retries=3 download -q caddy || { apt-get update -q && apt-get -o Acquire::Retries=3 download -q caddy; } }) >&2
	mv "$new"/caddy_*.deb "$cache"
	rmdir "$new"
	packages=("$cache"/caddy_*.deb)
fi
echo "${packages[0]}"
