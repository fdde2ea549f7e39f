#!/usr/bin/env bash
test_description='three peers, one of them of ipfs-cluster-service: one pinset'
. "$(dirname "$0")/lib/test-lib.sh"

# Pins arrive by a broadcast; one that is lost is sent again after this time.
export CLUSTER_CRDT_REBROADCASTINTERVAL=2s
# A peer that dies is alive, as far as the others know, for at least this time.
export CLUSTER_MONITORPINGINTERVAL=6s

# swarm NAME: where other peers reach the peer.
swarm() {
	echo "$(config "$1" '[.cluster.listen_multiaddress] | flatten | map(select(contains("/tcp/")))[0]')/p2p/$(peer_id "$1")"
}

peer_id() {
	jq -r .id "$HOME/peer-$1/identity.json"
}

# same_cluster NAME: gives the peer the secret of a.
same_cluster() {
	edit_json "$HOME/peer-$1/service.json" ".cluster.secret = \"$(config a .cluster.secret)\""
}

# ctl NAME ARGS...: ipfs-cluster-ctl at that peer.
ctl() {
	local name=$1
	shift
	timeout 60 ipfs-cluster-ctl --host "$(address "$name" restapi)" --force-http \
		--basic-auth "$(user a):$(password a)" "$@"
}

# erroneous NAME CID: the status of the CID at that peer is an error of the cluster.
erroneous() {
	ctl a --encoding json status "$2" >erroneous
	jq -e ".peer_map.\"$(peer_id "$1")\" | . == null or .status == \"cluster_error\"" erroneous
}

# members NAME NUMBER: how many peers the peer knows.
members() {
	test "$(ctl "$1" --encoding json peers ls | jq -s length)" = "$2"
}

test_expect_success 'setup: three Kubos and three peers, each of which knows the first' '
	for name in a b c; do start_kubo "$name" || return 1; done &&
	init_peer a && init_peer b &&
	IPFS_CLUSTER_PATH=$HOME/peer-c timeout 60 ipfs-cluster-service init --randomports &&
	on_loopback "$HOME/peer-c/service.json" &&
	same_cluster b && same_cluster c &&
	start_peer a a &&
	start_peer b b --bootstrap "$(swarm a)" &&
	IPFS_CLUSTER_PATH=$HOME/peer-c CLUSTER_IPFSHTTP_NODEMULTIADDRESS=$(kubo_api c) \
		start peer-c ipfs-cluster-service daemon --bootstrap "$(swarm a)" &&
	eventually 60 members a 3
'

test_expect_success 'a pin at the first is pinned at every Kubo' '
	cid=$(echo "for everybody" | kubo a add --quiet --cid-version=1) &&
	pin a "{\"cid\":\"$cid\",\"name\":\"everywhere\",\"origins\":[\"$(kubo a id --format="<addrs>" | head -n 1)\"]}" &&
	eventually 60 status a "$cid" pinned &&
	created=$(jq -r .created body) &&
	for name in a b c; do kubo "$name" pin ls --type=recursive "$cid" || return 1; done
'

test_expect_success 'the second lists it, pinned, with the same time of creation' '
	eventually 30 status b "$cid" pinned &&
	json .created "$created" && json .pin.name everywhere &&
	count b status=pinned 1
'

test_expect_success 'a pin at the second, renamed at the first, keeps that time at both' '
	other=$(echo "from the second" | kubo b add --quiet --cid-version=1) &&
	pin b "{\"cid\":\"$other\",\"name\":\"second\",\"origins\":[\"$(kubo b id --format="<addrs>" | head -n 1)\"]}" &&
	eventually 60 status b "$other" pinned && created=$(jq -r .created body) &&
	eventually 30 status a "$other" pinned && json .created "$created" &&
	api a 202 POST "/pins/$other" --data "{\"cid\":\"$other\",\"name\":\"renamed\"}" &&
	json .status pinned && json .created "$created" &&
	eventually 30 count b name=renamed 1 &&
	api b 200 GET "/pins/$other" && json .created "$created"
'

test_expect_success 'a token of one peer is none of another, which has users of its own' '
	http 200 --header "Authorization: Bearer $(peer a token)" "$(endpoint a)/pins" &&
	http 401 --header "Authorization: Bearer $(peer a token)" "$(endpoint b)/pins"
'

test_expect_success 'ctl pin add --wait takes a peer that died a moment ago for no error' '
	kill -s KILL "${pids[peer-b]}" &&
	ctl a --encoding json status "$cid" >died &&
	waited=$(echo "waited for" | kubo a add --quiet --cid-version=1) &&
	ctl a pin add --wait --replication-min 1 --replication-max 3 "$waited" >out &&
	jq -e ".peer_map.\"$(peer_id b)\" | .status == \"pinned\" and (.error | contains(\"does not answer\"))" died &&
	test_must_fail grep -i cluster_error out &&
	ctl a pin rm "$waited"
'

test_expect_success 'it is a cluster_error when nothing was heard of it for two pings' '
	eventually 60 erroneous b "$cid" &&
	start_peer b b --bootstrap "$(swarm a)" &&
	eventually 60 members a 3
'

test_expect_success 'a peer that is frozen changes nothing about what is pinned' '
	kill -s STOP "${pids[peer-b]}" &&
	test_when_finished "kill -s CONT ${pids[peer-b]}" &&
	status a "$cid" pinned &&
	count a "status=queued,pinning,pinned,failed" 2 &&
	third=$(echo "while one is frozen" | kubo a add --quiet --cid-version=1) &&
	pin a "{\"cid\":\"$third\",\"name\":\"third\",\"origins\":[\"$(kubo a id --format="<addrs>" | head -n 1)\"]}" &&
	api a 200 GET "/pins/$third" &&
	test_must_fail json .status failed
'

test_expect_success 'when it is back it catches up' '
	eventually 60 status a "$third" pinned &&
	eventually 60 count b status=pinned 3
'

test_expect_success 'a pin that is removed at the second is gone from every Kubo' '
	api b 202 DELETE "/pins/$cid" &&
	eventually 30 api a 404 GET "/pins/$cid" &&
	for name in a b c; do
		eventually 60 test_must_fail kubo "$name" pin ls --type=recursive "$cid" || return 1
	done
'

test_done
