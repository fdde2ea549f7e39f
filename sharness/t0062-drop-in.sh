#!/usr/bin/env bash
test_description='the commands of ipfs-cluster-service, with its flags and its output'
. "$(dirname "$0")/lib/test-lib.sh"

# service NAME ARGS...: the library's own program on the folder of that name.
service() {
	local name=$1
	shift
	IPFS_CLUSTER_PATH=$HOME/peer-$name timeout 60 ipfs-cluster-service "$@"
}

other=/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT

# export_line CID NAME: a pin as `state export` writes it.
export_line() {
	printf "%s\n" "{\"replication_factor_min\":-1,\"replication_factor_max\":-1,\"name\":\"$2\",\"mode\":\"recursive\",\"cid\":\"$1\",\"type\":\"pin\",\"max_depth\":-1}"
}

test_expect_success 'setup: a folder of ipfs-cluster-service with pins' '
	service old init --randomports &&
	on_loopback "$HOME/peer-old/service.json" &&
	export_line bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy one >pins &&
	export_line bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e two >>pins &&
	service old state import -f "$HOME/pins"
'

# What the last walk of the DAG found are lines of ours, after those of both.
test_expect_success 'state crdt says the same, and what the last walk found' '
	for what in info dot mark-dirty info mark-clean info; do
		service old state crdt "$what" >want && echo >>want &&
		peer old state crdt "$what" >all && echo >>all &&
		{ test "$what" != info || grep "^Last walk: " all; } &&
		grep -vE "^(Last walk: |The next start of the peer walks )" all >out &&
		test "$(cat want)" = "$(cat out)" || return 1
	done
'

# The other way round it loses its mark on pebble, which it does not sync.
test_expect_success 'a mark of ours is one for ipfs-cluster-service' '
	peer old state crdt mark-dirty && service old state crdt info >out && grep -F "Dirty: true" out &&
	peer old state crdt mark-clean && service old state crdt info >out && grep -F "Dirty: false" out
'

test_expect_success 'state import replaces factors and allocations the same way' '
	for name in theirs ours; do peer "$name" init --randomports >/dev/null || return 1; done &&
	service theirs state import -f --rmin 2 -replication-max 3 --allocs "${other##*/}" "$HOME/pins" &&
	peer ours state import -f --rmin 2 -replication-max 3 --allocs "${other##*/}" "$HOME/pins" &&
	peer theirs state export | sort >want && peer ours state export | sort >out && test_cmp want out
'

test_expect_success 'no is not a failure' '
	echo n | peer ours state cleanup && echo n | service ours state cleanup &&
	peer ours state export | sort >out && test_cmp want out
'

test_expect_success 'init with peers writes the same' '
	service p1 init --randomports -peers "$other" &&
	peer p2 init --randomports -peers "$other" &&
	config p1 .consensus.crdt.trusted_peers >want && config p2 .consensus.crdt.trusted_peers >out &&
	test_cmp want out && test_cmp "$HOME/peer-p1/peerstore" "$HOME/peer-p2/peerstore"
'

test_expect_success 'init with a secret that is typed writes the same' '
	config old .cluster.secret >secret &&
	service s1 init --randomports -s <secret && peer s2 init --randomports -s <secret &&
	test "$(config s1 .cluster.secret)" = "$(cat secret)" &&
	test "$(config s2 .cluster.secret)" = "$(cat secret)"
'

test_expect_success 'init with a source writes the same, and both refuse when it is away' '
	service u1 init http://127.0.0.1:1/service.json && peer u2 init http://127.0.0.1:1/service.json &&
	config u1 . >want && config u2 . >out && test_cmp want out &&
	test_expect_code 1 service u2 daemon && test_expect_code 1 peer u1 daemon 2>err &&
	test "$(wc -l <err)" = 1 && grep -F http://127.0.0.1:1/service.json err
'

test_expect_success 'the daemon takes every flag, and serves metrics' '
	init_peer m &&
	free=$(address m restapi) && # of a section that goes
	edit_json "$HOME/peer-m/service.json" "del(.api.restapi) | .observations.metrics.prometheus_endpoint = \"$free\"" &&
	start_kubo a &&
	start_peer m a -upgrade -stats -tracing -no-trust -leave &&
	http 200 "http://127.0.0.1:${free##*/}/metrics" && grep -F cluster_ "$HOME/body" >/dev/null
'

test_expect_success 'a pin through the IPFS proxy is one of the cluster' '
	proxy=$(config m "[.api.ipfsproxy.listen_multiaddress] | flatten[0]") &&
	cid=$(echo proxied | kubo a add --quiet --pin=false --cid-version=1) &&
	http 200 --request POST "http://127.0.0.1:${proxy##*/}/api/v0/pin/add?arg=$cid" &&
	eventually 30 status m "$cid" pinned &&
	http 200 --request POST "http://127.0.0.1:${proxy##*/}/api/v0/pin/rm?arg=$cid" &&
	api m 404 GET "/pins/$cid" &&
	stop_peer m
'

test_done
