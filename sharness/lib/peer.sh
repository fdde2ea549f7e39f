# shellcheck shell=bash
#
# Peers: each in a folder of its own, on random ports, with a Kubo of ours or
# with an IPFS node inside.

# A peer that looks for others on the local network would find other tests.
export CLUSTER_MDNSINTERVAL=0s
# A peer knows itself by its own pings, the first of which should come soon.
export CLUSTER_MONITORPINGINTERVAL=2s

# An IPFS node inside a peer knows nobody, as our Kubos.
export CLUSTER_EMBEDDED_LISTENMULTIADDRESSES=/ip4/127.0.0.1/tcp/0
export CLUSTER_EMBEDDED_JOINDHT=false
export CLUSTER_EMBEDDED_NATPORTMAP=false

# peer NAME ARGS...: runs pinsvc on the folder of that name.
peer() {
	local name=$1
	shift
	IPFS_CLUSTER_PATH=$HOME/peer-$name timeout 60 pinsvc "$@"
}

# init_peer NAME [FLAGS]: makes the folder, for a Kubo. What the command prints
# is kept in ~/init-NAME.
init_peer() {
	local name=$1
	shift
	peer "$name" init --randomports --ipfs kubo "$@" >"$HOME/init-$name" 2>&1 &&
		on_loopback "$HOME/peer-$name/service.json"
}

# on_loopback FILE: takes a configuration off the machine's other networks.
on_loopback() {
	edit_json "$1" '(.. | strings) |= sub("^/ip4/0.0.0.0/"; "/ip4/127.0.0.1/")'
}

# edit_json FILE FILTER: changes a file in place and leaves its mode alone.
edit_json() {
	local edited
	edited=$(jq "$2" "$1") && echo "$edited" >"$1"
}

# start_peer NAME KUBO [FLAGS]: starts the daemon, and waits until it answers, or
# until it ended by itself, which is a failure.
start_peer() {
	launch_peer "$@" && eventually 60 peer_settled "$1" && alive "peer-$1"
}

# start_embedded NAME [FLAGS]: makes the folder of a peer with an IPFS node
# inside unless there is one, and starts the daemon.
start_embedded() {
	local name=$1
	shift
	[ -e "$HOME/peer-$name/service.json" ] || init_peer "$name" --ipfs embedded || return 1
	IPFS_CLUSTER_PATH=$HOME/peer-$name start "peer-$name" pinsvc daemon "$@" &&
		eventually 60 peer_settled "$name" && alive "peer-$name"
}

# ipfs_address NAME: where the IPFS node of a peer is reached.
ipfs_address() {
	http 200 --user "$(user "$1"):$(password "$1")" "$(endpoint "$1" restapi)/id" &&
		jq -r ".ipfs.addresses[0]" "$HOME/body"
}

# launch_peer NAME KUBO [FLAGS]: starts the daemon only.
launch_peer() {
	local name=$1 kubo=$2
	shift 2
	IPFS_CLUSTER_PATH=$HOME/peer-$name CLUSTER_IPFSHTTP_NODEMULTIADDRESS=$(kubo_api "$kubo") \
		start "peer-$name" pinsvc daemon "$@"
}

peer_settled() {
	gone "peer-$1" || api "$1" 200 GET '/pins?limit=1'
}

stop_peer() {
	stop "peer-$1"
}

# config NAME FILTER: reads the peer's service.json.
config() {
	jq -r "$2" "$HOME/peer-$1/service.json"
}

# address NAME [SECTION]: where an API of the peer listens, as a multiaddress.
address() {
	config "$1" "[.api.${2:-pinsvcapi}.http_listen_multiaddress] | flatten[0]"
}

# endpoint NAME [SECTION]: the same as a URL.
endpoint() {
	address "$@" | sed -E 's|^/ip4/([^/]+)/tcp/([0-9]+)$|http://\1:\2|'
}

# user and password NAME: the credentials that init made.
user() {
	config "$1" '.api.pinsvcapi.basic_auth_credentials | keys[0]'
}

password() {
	config "$1" '.api.pinsvcapi.basic_auth_credentials | to_entries[0].value'
}

# add_service KUBO NAME PEER: tells a Kubo of the peer's service, with a token.
add_service() {
	local line
	line=$(peer "$3" token --kubo "$2") || return 1
	IPFS_PATH=$HOME/kubo-$1 bash -c "$line"
}
