# shellcheck shell=bash
#
# Clients that nobody here wrote, run against a peer's Pinning Service API. A test
# sources this before ../lib/test-lib.sh, and there installs or compiles what it
# needs, too: sharness gives it another HOME, without caches.

clients=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# client PEER COMMAND...: runs a client with the peer's service in its environment.
# What it prints is kept in ~/client, and shown when it fails.
client() {
	local name=$1 token
	shift
	token=$(peer "$name" token) || return 1
	SERVICE_ENDPOINT=$(endpoint "$name") SERVICE_TOKEN=$token \
		SERVICE_USER=$(user "$name") SERVICE_PASSWORD=$(password "$name") \
		timeout --foreground 400 "$@" >"$HOME/client" 2>&1 || {
		cat "$HOME/client"
		return 1
	}
}
