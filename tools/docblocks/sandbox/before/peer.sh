# A peer that runs, in ~/.ipfs-cluster.
# shellcheck shell=bash
install -m 0755 "$DOCS_SANDBOX/../pinsvc" /usr/local/bin/
pinsvc init
pinsvc daemon >pinsvc.log 2>&1 &
curl -sfo /dev/null --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:9097/ready
