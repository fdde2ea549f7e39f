#!/usr/bin/env bash
test_description='a peer with its IPFS node inside: no Kubo but those of its users'
. "$(dirname "$0")/lib/test-lib.sh"

ctl() {
	timeout 60 ipfs-cluster-ctl --host "$(address "$1" restapi)" --force-http \
		--basic-auth "$(user "$1"):$(password "$1")" "${@:2}"
}

# delegate PEER REQUESTID: an address to get the content of the pin from.
delegate() {
	api "$1" 200 GET "/pins/$2" && jq -r ".delegates[0]" "$HOME/body"
}

test_expect_success 'setup: a Kubo with 20 MB in a folder, and a peer' '
	start_kubo a &&
	start_embedded b &&
	mkdir -p content/deep &&
	head -c 20000000 /dev/urandom >content/large &&
	echo small >content/deep/small &&
	cid=$(kubo a add --recursive --quieter --cid-version=1 content)
'

test_expect_success 'ipfs pin remote add waits until the peer has it' '
	add_service a here b &&
	kubo a pin remote add --service=here --name=content "$cid" >out &&
	grep -i "status: *pinned" out
'

test_expect_success 'the Kubo goes away for good, and another reads all from the delegates' '
	stop_kubo a && rm -rf "$HOME/kubo-a" &&
	start_kubo c &&
	kubo c swarm connect "$(delegate b "$cid")" &&
	kubo c get --output=fetched "/ipfs/$cid" &&
	diff -r content fetched
'

test_expect_success 'the REST API knows the node: who it is, its pins, paths' '
	ctl b id >out && grep -E "IPFS: 12D3Koo" out &&
	ctl b status "$cid" >out && grep PINNED out &&
	ctl b pin add --name small "/ipfs/$cid/deep/small" &&
	eventually 30 count b "name=small&status=pinned" 1
'

test_expect_success 'content that is added through the cluster is pinned, and read by others' '
	head -c 3000000 /dev/urandom >added &&
	added=$(ctl b add --quieter --cid-version=1 added) &&
	eventually 30 status b "$added" pinned &&
	kubo c cat "$added" >out && test_cmp added out
'

test_expect_success 'a restart loses nothing, and the node stays who it was' '
	before=$(ctl b id | grep -o "IPFS: 12D3Koo[A-Za-z0-9]*") &&
	stop_peer b && start_embedded b &&
	test "$(ctl b id | grep -o "IPFS: 12D3Koo[A-Za-z0-9]*")" = "$before" &&
	eventually 30 status b "$cid" pinned
'

# freed CID: whether a garbage collection takes the block of a raw CID.
freed() {
	ctl b ipfs gc >"$HOME/freed" && grep -F "$1" "$HOME/freed"
}

test_expect_success 'garbage collection spares what is pinned, and takes what is not' '
	other=$(echo "for the garbage" | kubo c add --quiet --cid-version=1) &&
	pin b "{\"cid\":\"$other\",\"origins\":[\"$(kubo c id --format="<addrs>" | head -n 1)\"]}" &&
	eventually 30 status b "$other" pinned &&
	test_must_fail freed "$other" &&
	api b 202 DELETE "/pins/$other" &&
	eventually 30 freed "$other" &&
	eventually 30 status b "$cid" pinned
'

test_expect_success 'a configuration with two nodes is an error that says what to remove' '
	stop_peer b &&
	edit_json "$HOME/peer-b/service.json" \
		".ipfs_connector.ipfshttp = {node_multiaddress: \"/ip4/127.0.0.1/tcp/5001\"}" &&
	test_must_fail peer b daemon 2>err &&
	grep "ipfs_connector: .*remove ipfshttp" err
'

test_done
