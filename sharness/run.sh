#!/usr/bin/env bash
# Runs the tests from the outside: all, or those that are named.
#
#   sharness/run.sh [t0010-init.sh ...]
#
# One alone, with all that its commands print: sharness/t0010-init.sh -v
set -euo pipefail
cd "$(dirname "$0")"

# Built and installed before the first test, so that no test waits for it.
for tool in ipfs ipfs-cluster-service ipfs-cluster-ctl; do
	../tools/build.sh "$tool" >/dev/null
done
clients/setup.sh >/dev/null
clients/generated/make.sh ../pinsvcapi/openapi.yaml >/dev/null

mkdir -p results
[ $# -gt 0 ] || set -- t[0-9]*.sh
exec prove --timer --exec bash "$@" :: --chain-lint
