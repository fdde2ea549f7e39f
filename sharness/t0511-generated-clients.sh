#!/usr/bin/env bash
test_description='clients that are generated from the document of the API, without options'
. "$(dirname "$0")/clients/lib.sh"
generated=$("$clients/generated/make.sh" "$clients/../../pinsvcapi/openapi.yaml") || exit 1
. "$(dirname "$0")/lib/test-lib.sh"

test_expect_success 'setup: a peer, and three files for it' '
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	add_files b 3 generated >cids
'

test_expect_success 'the peer serves the document that they come from' '
	curl -sS -f -o served "$(endpoint b)/openapi.yaml" &&
	test_cmp "$generated/openapi.yaml" served
'

# story NAME COMMAND...: the client adds, lists with filters, replaces, gets, deletes,
# and understands what is refused.
story() {
	local name=$1
	shift
	# shellcheck disable=SC2046 # three CIDs are three arguments
	client b "$@" $(cat cids) && grep -x "passed: $name" client
}

test_expect_success 'oapi-codegen' 'story oapi-codegen "$generated/oapi-story"'

test_expect_success 'ogen' 'story ogen "$generated/ogen-story"'

test_expect_success 'openapi-typescript and openapi-fetch' '
	story openapi-typescript node "$generated/story_fetch.mjs"
'

test_expect_success '@hey-api/openapi-ts' '
	story @hey-api/openapi-ts node "$generated/story_heyapi.mjs"
'

test_done
