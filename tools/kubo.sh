#!/usr/bin/env bash
# Runs the Kubo that the tests use, on its default ports and connected to the
# public network, for a machine that has none.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

ipfs=$("$root/tools/build.sh" ipfs)
export IPFS_PATH=${IPFS_PATH:-$root/.kubo}
echo "The repository is $IPFS_PATH, the program is $ipfs"
exec "$ipfs" daemon --init
