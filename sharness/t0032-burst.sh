#!/usr/bin/env bash
test_description='a burst of 1,000 pins'
. "$(dirname "$0")/lib/test-lib.sh"

test_expect_success 'setup: 1,000 files' '
	start_kubo a &&
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	add_service a here b &&
	add_files b 1000 burst | sort >cids &&
	test "$(sort -u cids | wc -l)" = 1000
'

test_expect_success '1,000 requests, 8 at a time, are all accepted' '
	pin_all b <cids
'

test_expect_success 'all end as pinned' '
	eventually 120 count b status=pinned 1000
'

test_expect_success 'ls prints 1,000 distinct lines, one for each' '
	kubo a pin remote ls --service=here >rows &&
	cut -f 1 rows | sort >out && test_cmp cids out &&
	cut -f 3 rows | sort -u | wc -l >names && echo 1000 >want && test_cmp want names
'

test_expect_success 'one page takes them all, and no more than 1,000' '
	api b 200 GET "/pins?limit=1000" &&
	json ".results | length" 1000 && json .count 1000 &&
	jq -r ".results[].requestid" body | sort >out && test_cmp cids out
'

test_expect_success 'no time of creation is more than a second ahead of the clock' '
	newest=$(jq -r ".results[0].created" body) &&
	test "$(date -d "$newest" +%s%3N)" -le "$(($(date +%s%3N) + 1000))"
'

test_done
