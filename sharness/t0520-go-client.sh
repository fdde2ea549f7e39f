#!/usr/bin/env bash
test_description='the Go client of boxo'
. "$(dirname "$0")/clients/lib.sh"
goclient=$clients/../../bin/goclient.test
(cd "$clients" && go test -c -o "$goclient" ./goclient) || exit 1
. "$(dirname "$0")/lib/test-lib.sh"

test_expect_success 'setup: a peer, and 37 files for it' '
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	add_files b 37 go >cids
'

test_expect_success 'add, get, list over several pages, filters, replace, delete, errors' '
	SERVICE_CIDS=$HOME/cids client b "$goclient" -test.v -test.timeout 5m
'

test_expect_success 'no part of it was skipped' '
	grep "^--- PASS: TestClient" client
'

test_done
