#!/usr/bin/env bash
# Runs a peer for trying things out, in $IPFS_CLUSTER_PATH, which is made at the
# first run.
#
#   tools/run.sh PROGRAM      the pinsvc binary
set -euo pipefail

program=$1

echo "The peer's folder (IPFS_CLUSTER_PATH=... changes it):"
echo "  $IPFS_CLUSTER_PATH"
echo "In another terminal, this prints the command that tells Kubo of this service:"
echo "  $program --config $IPFS_CLUSTER_PATH token --kubo pinsvc"
echo "Control-C stops the peer. The start takes a few seconds."
echo
exec "$program" --config "$IPFS_CLUSTER_PATH" daemon --init
