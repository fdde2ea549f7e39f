#!/usr/bin/env bash
test_description='third-party clients, and a peer with its IPFS node inside'
. "$(dirname "$0")/clients/lib.sh"
modules=$("$clients/setup.sh") || exit 1
goclient=$clients/../../bin/goclient.test
(cd "$clients" && go test -c -o "$goclient" ./goclient) || exit 1
. "$(dirname "$0")/lib/test-lib.sh"

test_expect_success 'setup: two peers, and a Kubo that is connected to both and has the files' '
	start_kubo a &&
	add_files a 38 js >js && add_files a 37 go >go &&
	for name in js go; do
		start_embedded "$name" &&
		kubo a swarm connect "$(ipfs_address "$name")" || return 1
	done
'

test_expect_success 'the JavaScript client, in Node' '
	client js node "$clients/node.mjs" "$modules" js
'

test_expect_success 'the Go client of boxo' '
	SERVICE_CIDS=$HOME/go client go "$goclient" -test.v -test.timeout 5m &&
	grep "^--- PASS: TestClient" client
'

test_done
