#!/usr/bin/env bash
test_description='content is really fetched: it outlives the node that had it'
. "$(dirname "$0")/lib/test-lib.sh"

test_expect_success 'setup: a Kubo with 20 MB in a folder, a peer with another Kubo, strangers' '
	start_kubo a &&
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	mkdir -p content/deep &&
	head -c 20000000 /dev/urandom >content/large &&
	echo small >content/deep/small &&
	cid=$(kubo a add --recursive --quieter --cid-version=1 content) &&
	test_must_fail kubo b block stat --offline "$cid"
'

test_expect_success 'ipfs pin remote add waits until the other one has it' '
	add_service a here b &&
	kubo a pin remote add --service=here --name=content "$cid" >out &&
	grep -i "status: *pinned" out
'

test_expect_success 'the Kubo of the peer pins it recursively' '
	kubo b pin ls --type=recursive "$cid"
'

test_expect_success 'the first node goes away for good, and its repository with it' '
	stop_kubo a &&
	rm -rf "$HOME/kubo-a"
'

test_expect_success 'every byte is readable from the second' '
	kubo b get --output=fetched "/ipfs/$cid" &&
	diff -r content fetched
'

test_expect_success 'garbage collection spares it' '
	kubo b repo gc >/dev/null &&
	kubo b get --output=again "/ipfs/$cid" &&
	diff -r content again
'

test_expect_success 'once the pin is removed, garbage collection takes it' '
	api b 202 DELETE "/pins/$cid" &&
	eventually 30 test_must_fail kubo b pin ls --type=recursive "$cid" &&
	kubo b repo gc >/dev/null &&
	test_must_fail kubo b block stat --offline "$cid"
'

test_expect_success 'what nobody has is not pinned, until somebody comes with it' '
	start_kubo a &&
	head -c 300000 /dev/urandom >late &&
	late=$(kubo a add --quieter --only-hash --cid-version=1 late) &&
	pin b "{\"cid\":\"$late\",\"name\":\"late\"}" &&
	eventually 30 status b "$late" pinning &&
	kubo a add --quieter --cid-version=1 late &&
	kubo a swarm connect "$(jq -r ".delegates[0]" body)" &&
	eventually 60 status b "$late" pinned &&
	kubo b cat "$late" >fetched-late && test_cmp late fetched-late
'

test_expect_success 'a pin waits while the Kubo of the peer is away, and does not fail' '
	stop_kubo b &&
	away=$(echo away | kubo a add --quiet --cid-version=1) &&
	pin b "{\"cid\":\"$away\",\"origins\":[\"$(kubo a id --format="<addrs>" | head -n 1)\"]}" &&
	for i in $(seq 10); do
		api b 200 GET "/pins/$away" && jq -e ".status == \"queued\" or .status == \"pinning\"" body || return 1
	done
'

test_done
