# shellcheck shell=bash
#
# Kubo daemons that know nobody: random ports on loopback, no bootstrap peers,
# no routing. What one of them fetches, it got from an address that it was told.

export IPFS_TELEMETRY=off

# kubo NAME ARGS...: runs ipfs on the repository of that name. A command that
# hangs is a failure.
kubo() {
	local name=$1
	shift
	IPFS_PATH=$HOME/kubo-$name timeout 120 ipfs "$@"
}

# start_kubo NAME: starts a daemon, with a new repository the first time.
start_kubo() {
	local name=$1 folder=$HOME/kubo-$1
	if [ ! -e "$folder/config" ]; then
		kubo "$name" init --profile test,autoconf-off &&
			kubo "$name" config Routing.Type none || return 1
	fi
	rm -f "$folder/api"
	IPFS_PATH=$folder start "kubo-$name" ipfs daemon &&
		eventually 60 kubo_ready "$name"
}

kubo_ready() {
	[ -s "$HOME/kubo-$1/api" ] && kubo "$1" swarm peers
}

stop_kubo() {
	stop "kubo-$1"
}

# kubo_api NAME: the multiaddress of its RPC API.
kubo_api() {
	cat "$HOME/kubo-$1/api"
}

# add_files NAME COUNT PREFIX: gives the Kubo COUNT small files that it does not
# pin, and prints their CIDs.
add_files() {
	local folder=$HOME/files-$3 i
	mkdir -p "$folder"
	for ((i = 1; i <= $2; i++)); do
		echo "$3 $i" >"$folder/$i"
	done
	kubo "$1" add --quiet --pin=false --cid-version=1 "$folder"/*
}

# unknown_cid NAME TEXT: a CID that nobody has, computed by the Kubo.
unknown_cid() {
	echo "nobody has $2" | kubo "$1" add --quiet --only-hash --cid-version=1
}
