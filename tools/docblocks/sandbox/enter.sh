#!/usr/bin/env bash
# The first process of a sandbox: gives it a machine of its own, and runs the main.sh
# of the folder DOCS_WORK. unshare has made the namespaces; nothing that is done
# here is seen outside, and everything ends with this process.
set -euo pipefail

ip link set lo up
# Root may use the ports below 1024, and so may the users that it becomes.
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start

# own FOLDER: an empty folder of the story's own in its place.
own() {
	mkdir -p "$DOCS_WORK/machine$1"
	mount --bind "$DOCS_WORK/machine$1" "$1"
}

mkdir -p "$DOCS_WORK/machine"
chmod 0755 "$DOCS_WORK"
cp -a /etc "$DOCS_WORK/machine/etc" 2>/dev/null || true # a user cannot read all of it
own /etc
# What is in /usr/local/bin is there, beside what a document installs.
mkdir -p "$DOCS_WORK/machine/bin"
mount --bind /usr/local/bin "$DOCS_WORK/machine/bin"
own /usr/local/bin
find "$DOCS_WORK/machine/bin" -mindepth 1 -maxdepth 1 -exec ln -s -t /usr/local/bin {} +
rm -f /usr/local/bin/pinsvc
own /var/lib
own /home
mount -t tmpfs tmpfs /run

# The name of the documents is this machine. No other name can be found.
printf '127.0.0.1 localhost pins.example.com %s\n' "$(hostname)" >/etc/hosts
: >/etc/resolv.conf

export HOME=/home/you USER=you SHELL=/bin/bash
mkdir -m 0755 "$HOME"
cd "$HOME"
git config --global url."$DOCS_MIRROR".insteadOf https://github.com/ipfs-cluster/pinsvc
git config --global --add safe.directory '*'
unset XDG_CACHE_HOME

# Not exec: this process has to collect the children of the daemons that ended.
bash "$DOCS_WORK/main.sh" </dev/null
