#!/usr/bin/env bash
test_description='replacing a pin: by itself, which is an update, and by another'
. "$(dirname "$0")/lib/test-lib.sh"

# replace REQUESTID JSON: the answer is in ~/body.
replace() {
	api b 202 POST "/pins/$1" --data "$2"
}

pinned_at_kubo() {
	kubo b pin ls --type=recursive "$1"
}

all=status=queued,pinning,pinned,failed

test_expect_success 'setup: two files, one of them pinned with name, meta and origins' '
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	add_files b 2 replaced >cids &&
	old=$(sed -n 1p cids) && new=$(sed -n 2p cids) &&
	pin b "{\"cid\":\"$old\",\"name\":\"old\",\"meta\":{\"colour\":\"red\"},
		\"origins\":[\"/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWSoLzampfxc4t3sy9z7yq1Cgzbi7zGXpV7nvt5hfeKUhR\"]}" &&
	eventually 30 status b "$old" pinned &&
	created=$(jq -r .created body)
'

test_expect_success 'the answer of a POST has all that was sent' '
	json .pin.name old && json .pin.meta.colour red && json ".pin.origins | length" 1 &&
	json .requestid "$old" && json .pin.cid "$old" &&
	json ".delegates | length > 0" true &&
	json "[.delegates[] | test(\"/p2p/[A-Za-z0-9]+$\")] | all" true
'

test_expect_success 'a pin that is renamed stays pinned, with its time of creation' '
	replace "$old" "{\"cid\":\"$old\",\"name\":\"renamed\"}" &&
	json .status pinned && json .created "$created" && json .requestid "$old" &&
	json .pin.name renamed &&
	pinned_at_kubo "$old"
'

test_expect_success 'what the body left out is cleared' '
	json ".pin | has(\"meta\")" false &&
	json ".pin | has(\"origins\")" false
'

test_expect_success 'it is found by its new name, not by the old one' '
	count b "name=renamed" 1 && count b "name=old&$all" 0
'

test_expect_success 'renamed 20 times, every look at it says pinned' '
	for i in $(seq 20); do
		replace "$old" "{\"cid\":\"$old\",\"name\":\"name $i\"}" && json .status pinned &&
		status b "$old" pinned && json .created "$created" && json .pin.name "name $i" || return 1
	done
'

test_expect_success 'POST /pins of the same CID is an update, too' '
	pin b "{\"cid\":\"$old\",\"name\":\"again\",\"meta\":{\"a\":\"b\"}}" &&
	json .status pinned && json .created "$created" && json .pin.name again &&
	count b "$all" 1
'

test_expect_success 'the request ID in another encoding is the same pin' '
	other=$(kubo b cid format -b base58btc "$old") &&
	test "$other" != "$old" &&
	api b 200 GET "/pins/$other" && json .requestid "$old"
'

test_expect_success 'replaced by another CID, the new one is pinned and the old one goes' '
	replace "$old" "{\"cid\":\"$new\",\"name\":\"new\"}" &&
	json .requestid "$new" && json .pin.cid "$new" && json .pin.name new &&
	json ".pin | has(\"meta\")" false &&
	api b 404 GET "/pins/$old" &&
	eventually 30 status b "$new" pinned &&
	eventually 30 pinned_at_kubo "$new" &&
	eventually 30 test_must_fail pinned_at_kubo "$old"
'

test_expect_success 'its time of creation is later' '
	api b 200 GET "/pins/$new" && later=$(jq -r .created body) &&
	test "$(printf "%s\n" "$created" "$later" | sort | tail -n 1)" = "$later" &&
	test "$created" != "$later"
'

test_expect_success 'to replace what is not pinned is 404, and changes nothing' '
	api b 404 POST "/pins/$old" --data "{\"cid\":\"bafkqaaa\"}" &&
	count b "$all" 1 && status b "$new" pinned
'

test_expect_success 'replaced by a CID that nobody has, the old one is not there any more' '
	lost=$(unknown_cid b lost) &&
	replace "$new" "{\"cid\":\"$lost\",\"name\":\"lost\"}" &&
	count b "$all" 1 && count b "status=queued,pinning" 1
'

test_expect_success 'its time of creation survives a restart' '
	api b 200 GET "/pins/$lost" && created=$(jq -r .created body) &&
	stop_peer b && start_peer b b &&
	api b 200 GET "/pins/$lost" && json .created "$created" && json .pin.name lost
'

test_expect_success 'DELETE answers 202 without a body, then 404' '
	api b 202 DELETE "/pins/$lost" && test_must_be_empty body &&
	api b 404 DELETE "/pins/$lost" &&
	api b 404 GET "/pins/$lost" &&
	count b "$all" 0
'

test_done
