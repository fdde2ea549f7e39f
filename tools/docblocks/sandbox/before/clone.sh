# A clone of the repository, in which the commands are typed.
# shellcheck shell=bash
git clone -q https://github.com/ipfs-cluster/pinsvc
cd pinsvc || exit
