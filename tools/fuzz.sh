#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other.
#
#   tools/fuzz.sh TIME        how long each, as `go test -fuzztime` takes it
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -eq 1 ] || {
	echo "usage: tools/fuzz.sh TIME" >&2
	exit 2
}

targets=$(grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . | sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|')
[ -n "$targets" ] || {
	echo "no fuzz target found" >&2
	exit 1
}
while read -r package target; do
	echo "== $package $target"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$package"
done <<<"$targets"
