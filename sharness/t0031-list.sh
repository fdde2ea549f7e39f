#!/usr/bin/env bash
test_description='ipfs pin remote ls over pins that were made within one second'
. "$(dirname "$0")/lib/test-lib.sh"

all=--status=queued,pinning,pinned,failed

# lists FLAGS...: the CIDs that ls prints, sorted; a CID that is printed twice
# stays twice.
lists() {
	kubo a pin remote ls --service=here "$@" >rows && cut -f 1 rows | sort
}

# created PEER QUERY: the creation times of a list, newest first.
created() {
	api "$1" 200 GET "/pins?$2" && jq -r '.results[].created' "$HOME/body"
}

test_expect_success 'setup: 35 pins of files that the Kubo of the peer has' '
	start_kubo a &&
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	add_service a here b &&
	add_files b 35 listed | sort >cids &&
	pin_all b <cids &&
	eventually 60 count b status=pinned 35
'

test_expect_success 'they were made within a second or little more' '
	created b "limit=1000" >times &&
	first=$(date -d "$(tail -n 1 times)" +%s%3N) &&
	last=$(date -d "$(head -n 1 times)" +%s%3N) &&
	test "$((last - first))" -lt 2000
'

test_expect_success 'each has a time of its own, newest first, to the millisecond' '
	test "$(wc -l <times)" = 35 &&
	sort -ru times >sorted && test_cmp sorted times &&
	test "$(grep -cE "^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z$" times)" = 35
'

test_expect_success 'ls prints each exactly once' '
	lists >out && test_cmp cids out
'

test_expect_success 'ls with every status prints each exactly once' '
	lists $all >out && test_cmp cids out
'

test_expect_success 'ls with every name and CID finds that pin' '
	for cid in $(cat cids); do
		echo "$cid" >want &&
		lists --name="name-$cid" >out && test_cmp want out &&
		lists --cid="$cid" >out && test_cmp want out || return 1
	done
'

test_expect_success 'ls with 10 CIDs finds those' '
	head -n 10 cids >want &&
	lists --cid="$(paste -sd , want)" >out && test_cmp want out
'

test_expect_success 'filters are a conjunction' '
	lists --cid="$(sed -n 1p cids)" --name="name-$(sed -n 2p cids)" $all >out &&
	test_must_be_empty out
'

test_expect_success 'setup: 33 more that nobody has, in one burst' '
	for i in $(seq 33); do unknown_cid a "$i" || return 1; done | sort >lost &&
	pin_all b <lost
'

test_expect_success 'ls by status separates them, each exactly once' '
	lists --status=pinned >out && test_cmp cids out &&
	lists --status=queued,pinning,failed >out && test_cmp lost out &&
	sort cids lost >want &&
	lists $all >out && test_cmp want out
'

test_expect_success 'the first page is 10 by default, and count is all of them' '
	api b 200 GET /pins && json .count 35 && json ".results | length" 10
'

test_expect_success 'before and after are exclusive' '
	middle=$(sed -n 18p times) &&
	count b "before=$middle" 17 &&
	count b "after=$middle" 17
'

test_expect_success 'rm --force by status removes those only' '
	kubo a pin remote rm --service=here --status=queued,pinning,failed --force &&
	lists $all >out && test_cmp cids out
'

test_done
