#!/usr/bin/env bash
# Checks every Go module of the tree: go.mod and go.sum are what `go mod tidy`
# writes, and the downloaded modules are what go.sum says.
set -euo pipefail
cd "$(dirname "$0")/.."

for module in . tools/*/ sharness/clients/*/; do
	[ -e "$module/go.mod" ] || continue
	echo "go mod tidy -diff, go mod verify: $module"
	(cd "$module" && go mod tidy -diff && go mod verify)
done
