#!/usr/bin/env bash
test_description='every shell block of README.md and docs, as it stands'
# The name root belongs to sharness: it is the folder for the folders of the tests.
repo=$(cd "$(dirname "$0")/.." && pwd)
# The blocks build the program: with the caches of the caller, since sharness has
# another HOME.
GOCACHE=$(go env GOCACHE) GOMODCACHE=$(go env GOMODCACHE) DOCS_CADDY=$("$repo/tools/caddy.sh") || exit 1
export GOCACHE GOMODCACHE DOCS_CADDY
(cd "$repo" && go build -buildvcs=false -o bin/docblocks ./tools/docblocks) || exit 1
. "$(dirname "$0")/lib/test-lib.sh"

mapfile -t stories < <(docblocks -root "$repo" -list)

test_expect_success 'the documents have stories to run' '
	test "${#stories[@]}" -ge 8
'

# run_all: what it prints is in results, and in the log of the test.
run_all() {
	docblocks -root "$repo" 2>&1 | tee results
	return "${PIPESTATUS[0]}"
}

test_expect_success 'they run' 'run_all'

# Without root some are skipped, with the reason.
grep "^skip " results >&2 || :

for story in "${stories[@]}"; do
	needs=
	! grep -q "^skip $story # " results || needs=NAMESPACES
	test_expect_success ${needs:+"$needs"} "$story" '
		grep "^ok $story # " results
	'
done

test_done
