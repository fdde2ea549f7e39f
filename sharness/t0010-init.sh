#!/usr/bin/env bash
test_description='init makes a folder, and never harms one'
. "$(dirname "$0")/lib/test-lib.sh"

folder=$HOME/peer-a

mode() {
	stat -c %a "$1"
}

# one_line FILE: an error message, and nothing like a stack trace.
one_line() {
	test "$(wc -l <"$1")" = 1 || {
		cat "$1"
		return 1
	}
}

test_expect_success 'init writes a configuration and an identity' '
	peer a init --randomports >out 2>err &&
	test -f "$folder/service.json" &&
	test -f "$folder/identity.json"
'

test_expect_success 'only the owner may read them' '
	test "$(mode "$folder/service.json")" = 600 &&
	test "$(mode "$folder/identity.json")" = 600
'

test_expect_success 'both are JSON, and the identity is a peer ID and a key' '
	jq -e . "$folder/service.json" >/dev/null &&
	jq -e "(.id | test(\"^12D3Koo\")) and (.private_key | length > 50)" "$folder/identity.json"
'

test_expect_success 'both API sections have the same one user, with 32 random bytes' '
	config a ".api.pinsvcapi.basic_auth_credentials" >pinsvcapi &&
	config a ".api.restapi.basic_auth_credentials" >restapi &&
	test_cmp pinsvcapi restapi &&
	test "$(jq length pinsvcapi)" = 1 &&
	test "$(password a | wc -c)" -ge 43
'

test_expect_success 'the consensus is CRDT and the datastore pebble' '
	config a ".consensus | keys[]" | grep -x crdt &&
	config a ".datastore | keys[]" | grep -x pebble
'

test_expect_success 'the IPFS node is inside the peer, with its addresses in arrays' '
	config a ".ipfs_connector | keys[]" >node && echo embedded >want && test_cmp want node &&
	config a ".ipfs_connector.embedded | .listen_multiaddresses, .announce_multiaddresses, .bootstrap_multiaddresses | type" >node &&
	printf "array\narray\narray\n" >want && test_cmp want node
'

test_expect_success 'or a Kubo, with a proxy before it' '
	peer kubo init --ipfs kubo &&
	test "$(config kubo ".ipfs_connector | keys[]")" = ipfshttp &&
	config kubo ".api | keys[]" | grep -x ipfsproxy
'

test_expect_success 'it prints the endpoint and one line for Kubo' '
	grep -F "$(endpoint a)" out &&
	test "$(grep -c "ipfs pin remote service add" out)" = 1
'

test_expect_success 'it prints the secret of the cluster nowhere' '
	test_must_fail grep -F "$(config a .cluster.secret)" out err &&
	test_must_fail grep -F "$(jq -r .private_key "$folder/identity.json")" out err
'

test_expect_success 'a second init refuses, in one line that names the file' '
	cp "$folder/service.json" before &&
	test_must_fail peer a init >out 2>err &&
	one_line err &&
	grep -F "$folder/service.json" err &&
	test_cmp before "$folder/service.json"
'

test_expect_success 'with -f it writes a new configuration but keeps the identity' '
	cp "$folder/identity.json" identity &&
	cp "$folder/service.json" before &&
	peer a init -f --randomports &&
	test_cmp identity "$folder/identity.json" &&
	test_must_fail cmp before "$folder/service.json" &&
	test "$(mode "$folder/service.json")" = 600
'

test_expect_success 'an identity alone is kept, too' '
	mkdir "$HOME/peer-b" &&
	cp "$folder/identity.json" "$HOME/peer-b/" &&
	peer b init &&
	test_cmp identity "$HOME/peer-b/identity.json"
'

test_expect_success 'two peers have neither the same identity nor password nor secret' '
	peer c init &&
	test_must_fail cmp identity "$HOME/peer-c/identity.json" &&
	test "$(password a)" != "$(password c)" &&
	test "$(config a .cluster.secret)" != "$(config c .cluster.secret)"
'

for datastore in pebble badger3 leveldb; do
	test_expect_success "init --datastore $datastore" '
		peer "$datastore" init --datastore "$datastore" &&
		test "$(config "$datastore" ".datastore | keys[]")" = "$datastore"
	'
done

test_expect_success 'init --consensus raft, which needs no datastore' '
	peer raft init --consensus raft &&
	test "$(config raft ".consensus | keys[]")" = raft
'

test_expect_success 'a consensus or datastore that does not exist is one line, and no folder' '
	test_must_fail peer d init --consensus paxos 2>err &&
	one_line err && grep paxos err &&
	test_must_fail peer d init --datastore sql 2>err &&
	one_line err && grep sql err &&
	test_must_fail peer d init --ipfs pigeons 2>err &&
	one_line err && grep pigeons err &&
	test_must_fail test -e "$HOME/peer-d"
'

test_expect_success '--config is stronger than IPFS_CLUSTER_PATH' '
	peer e --config "$HOME/elsewhere" init &&
	test -f "$HOME/elsewhere/service.json" &&
	test_must_fail test -e "$HOME/peer-e"
'

test_expect_success 'without either the folder is ~/.ipfs-cluster' '
	pinsvc init &&
	test -f "$HOME/.ipfs-cluster/service.json"
'

test_expect_success 'the environment decides what init writes' '
	CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/1234 peer f init >out &&
	grep -F http://127.0.0.1:1234 out
'

test_done
