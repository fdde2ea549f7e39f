#!/usr/bin/env bash
# Runs every fuzz target of the module, two at a time.
#
#   tools/fuzz.sh TIME        how long each, as `go test -fuzztime` takes it
#
# An input that fails is written to the package's testdata/fuzz, where the unit
# tests find it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -eq 1 ] || {
	echo "usage: tools/fuzz.sh TIME" >&2
	exit 2
}

# fuzz TIME PACKAGE TARGET prints the last line, or everything when it fails.
fuzz() {
	local out
	if out=$(go test -run '^$' -fuzz "^$3\$" -fuzztime "$1" -parallel 1 "$2" 2>&1); then
		echo "$3: $(grep '^fuzz: elapsed' <<<"$out" | tail -n 1)"
		return
	fi
	# The go command may take the end of its time for a failure.
	if grep -q 'context deadline exceeded' <<<"$out" && ! grep -q 'Failing input' <<<"$out"; then
		echo "$3: ended by its time"
		return
	fi
	echo "$3 in $2:"
	echo "$out"
	return 1
}
export -f fuzz

targets=$(grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . | sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|')
[ -n "$targets" ] || {
	echo "no fuzz target found" >&2
	exit 1
}
# shellcheck disable=SC2016 # the inner shell expands them
xargs -P 2 -L 1 bash -c 'fuzz "$@"' "$1" "$1" <<<"$targets"
