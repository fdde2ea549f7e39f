# ipfs-cluster-service runs again, and has the pin.
# shellcheck shell=bash
curl -sfo /dev/null --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:9094/id
pgrep -f '^/usr/local/bin/ipfs-cluster-service daemon'
ipfs-cluster-ctl pin ls | grep from-before
