#!/usr/bin/env bash
test_description='ipfs pin remote, as a person types it'
. "$(dirname "$0")/lib/test-lib.sh"

remote() {
	local command=$1
	shift
	kubo a pin remote "$command" --service=here "$@"
}

# lists FLAGS...: what ls prints, one CID a line, sorted.
lists() {
	remote ls "$@" >rows && cut -f 1 rows | sort
}

all=--status=queued,pinning,pinned,failed

test_expect_success 'setup: a peer with a Kubo of its own, and the Kubo of a user' '
	start_kubo a &&
	start_kubo b &&
	init_peer b &&
	start_peer b b
'

test_expect_success 'the line that init prints works as it is' '
	grep -o "ipfs pin remote service add .*" init-b >line &&
	test "$(wc -l <line)" = 1 &&
	IPFS_PATH=$HOME/kubo-a bash line &&
	kubo a pin remote service ls | grep -F "$(endpoint b)"
'

test_expect_success 'its name is free to choose with token --kubo' '
	kubo a pin remote service rm "$(kubo a pin remote service ls | cut -d " " -f 1)" &&
	add_service a here b &&
	kubo a pin remote service ls | grep -E "^here +$(endpoint b)"
'

test_expect_success 'an empty service is an empty list and no error' '
	lists >out && test_must_be_empty out
'

test_expect_success 'add waits until the content is pinned' '
	cid=$(echo "waited for" | kubo a add --quiet --cid-version=1) &&
	remote add --name=waited "$cid" >out &&
	grep -i "cid: *$cid" out &&
	grep -i "name: *waited" out &&
	grep -i "status: *pinned" out &&
	kubo b pin ls --type=recursive "$cid"
'

test_expect_success 'a CIDv0 stays one' '
	v0=$(echo "version zero" | kubo a add --quiet --cid-version=0) &&
	remote add --name=zero "$v0" >out &&
	grep -i "cid: *$v0" out
'

test_expect_success 'the same CID again is no error and no second pin' '
	remote add --name=waited "$cid" &&
	lists --name=waited >out && echo "$cid" >want && test_cmp want out
'

test_expect_success 'add --background does not wait for what nobody has' '
	lost=$(unknown_cid a lost) &&
	remote add --background --name=lost "$lost" >out &&
	grep -Ei "status: *(queued|pinning)" out
'

test_expect_success 'ls shows what is pinned, and the rest when it is asked for' '
	printf "%s\n" "$cid" "$v0" | sort >want &&
	lists >out && test_cmp want out &&
	printf "%s\n" "$cid" "$v0" "$lost" | sort >want &&
	lists $all >out && test_cmp want out
'

test_expect_success 'ls by CID, by name and by status' '
	echo "$lost" >want &&
	lists --cid="$lost" $all >out && test_cmp want out &&
	lists --name=lost $all >out && test_cmp want out &&
	lists --status=queued,pinning >out && test_cmp want out &&
	lists --status=failed >out && test_must_be_empty out &&
	lists --name=nobody $all >out && test_must_be_empty out
'

test_expect_success 'service ls --stat counts' '
	kubo a pin remote service ls --stat >out &&
	grep -E "^here +$(endpoint b) +[01]/[01]/2/0" out
'

test_expect_success 'rm by name removes that pin only' '
	remote rm --name=waited &&
	lists $all >out &&
	printf "%s\n" "$v0" "$lost" | sort >want && test_cmp want out &&
	eventually 30 test_must_fail kubo b pin ls --type=recursive "$cid"
'

test_expect_success 'rm by CID' '
	remote rm --cid="$lost" $all &&
	lists $all >out && echo "$v0" >want && test_cmp want out
'

test_expect_success 'rm refuses several pins without --force' '
	one=$(echo one | kubo a add --quiet --cid-version=1) &&
	two=$(echo two | kubo a add --quiet --cid-version=1) &&
	remote add --name=many "$one" && remote add --name=many "$two" &&
	test_must_fail remote rm --name=many &&
	lists --name=many >out && test "$(wc -l <out)" = 2
'

test_expect_success 'rm --force removes them all, and nothing else' '
	remote rm --name=many --force &&
	lists $all >out && echo "$v0" >want && test_cmp want out
'

test_expect_success 'a new token for the same service works beside the old one' '
	add_service a again b &&
	kubo a pin remote ls --service=again >out && grep "^$v0" out &&
	lists >out && grep "^$v0" out
'

test_expect_success 'a service with a wrong key gets an error that says so' '
	kubo a pin remote service add wrong "$(endpoint b)" sesame &&
	test_must_fail kubo a pin remote ls --service=wrong 2>err &&
	test_must_fail grep -i "undefined response" err &&
	grep -Ei "401|unauthorized" err
'

# told NAME CID TEXT: what the status of a pin says in words.
told() {
	api "$1" 200 GET "/pins/$2" && jq -r .info.status_details body | grep -F "$3"
}

test_expect_success 'a pin tells what Kubo has of it, and why Kubo gave up' '
	stop_peer b &&
	CLUSTER_IPFSHTTP_PINTIMEOUT=4s start_peer b b &&
	leaf=$(unknown_cid a leaf) &&
	root=$(echo "{\"a\":{\"/\":\"$leaf\"}}" | kubo b dag put) &&
	pin b "{\"cid\":\"$root\",\"name\":\"half\"}" &&
	eventually 30 told b "$root" "1 block, " &&
	eventually 60 told b "$root" "timed out: no block arrived for 4s: 1 block (" &&
	json .status failed
'

test_done
