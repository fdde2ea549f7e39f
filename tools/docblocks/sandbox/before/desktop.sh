# The Kubo of the user, which IPFS Desktop starts.
# shellcheck shell=bash
ipfs daemon --init >ipfs.log 2>&1 &
curl -sfo /dev/null --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:5001/webui
