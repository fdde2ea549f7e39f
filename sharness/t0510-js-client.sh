#!/usr/bin/env bash
test_description='the JavaScript client, in Node and in Chromium'
. "$(dirname "$0")/clients/lib.sh"
modules=$("$clients/setup.sh") || exit 1
. "$(dirname "$0")/lib/test-lib.sh"

test_expect_success 'setup: a peer, and 38 files for it' '
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	add_files b 38 js >cids
'

test_expect_success 'in Node' '
	client b node "$clients/node.mjs" "$modules" cids
'

test_expect_success 'in Chromium, from a page on another origin' '
	client b node "$clients/browser.mjs" "$modules" cids
'

test_expect_success 'the page came to its end' '
	grep -x "passed: every pin can be deleted, once" client
'

test_done
