# A peer of ipfs-cluster-service with a pin, run by systemd as the user ipfs, and
# its Kubo.
# shellcheck shell=bash
# shellcheck source=/dev/null
. "$DOCS_SANDBOX/before/desktop.sh"
install -m 0755 "$(command -v ipfs-cluster-service)" /usr/local/bin/
useradd --system --home-dir /var/lib/ipfs --create-home --shell /usr/sbin/nologin ipfs
sudo -u ipfs ipfs-cluster-service init
cat >/etc/systemd/system/ipfs-cluster.service <<'UNIT'
[Service]
Type=simple
User=ipfs
Environment=IPFS_CLUSTER_PATH=/var/lib/ipfs/.ipfs-cluster
ExecStart=/usr/local/bin/ipfs-cluster-service daemon
UNIT
sudo systemctl enable --now ipfs-cluster
curl -sfo /dev/null --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:9094/id
ipfs-cluster-ctl pin add --name from-before "$(echo "pinned before" | ipfs add -Q)"
