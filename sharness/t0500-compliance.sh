#!/usr/bin/env bash
test_description='the compliance suite, with all of its checks'
. "$(dirname "$0")/clients/lib.sh"
modules=$("$clients/setup.sh") || exit 1
. "$(dirname "$0")/lib/test-lib.sh"

# The schemas of the official document where it is at hand, else of our own, which
# promises no less.
document=$repo/../shared/spec/ipfs-pinning-service.yaml
[ -e "$document" ] || document=$repo/pinsvcapi/openapi.yaml

test_expect_success 'setup: a peer with a Kubo that knows nobody, and one with a node inside' '
	start_kubo kubo &&
	init_peer kubo &&
	start_peer kubo kubo &&
	start_embedded embedded
'

for name in kubo embedded; do
	test_expect_success "$name: 9 of 9 checks, with the schemas of ${document##*/}" '
		client $name node "$clients/compliance.mjs" "$modules" "$document"
	'

	# Standard error, for the program that runs the tests shows that.
	grep "^compliance suite:" "$HOME/client" >&2

	test_expect_success "$name: nothing is left in the peer" '
		count $name status=queued,pinning,pinned,failed 0
	'
done

test_done
