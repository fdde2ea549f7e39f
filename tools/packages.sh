#!/usr/bin/env bash
# Installs the Debian packages that `make test` and `make check` need, those
# that are missing only. Prints nothing when there is nothing to do.
set -euo pipefail

# What is needed, and the package that has it. A file or the name of a command.
needs=(
	"gcc gcc"                   # go test -race
	"/usr/include/stdlib.h libc6-dev"
	"curl curl"                 # sharness
	"jq jq"                     # sharness
	"git git"                   # sharness, what the documents clone
	"ps procps"
	"openssl openssl"           # sharness
	"prove perl"                # sharness
	"ip iproute2"               # faults, and the sandbox of the documents
	"node nodejs"               # sharness, the JavaScript clients
	"npm npm"
	"chromium chromium"
	"/usr/share/sharness/sharness.sh sharness"
	"shellcheck shellcheck"     # make check
)

missing=()
for need in "${needs[@]}"; do
	read -r what package <<<"$need"
	[ -e "$what" ] || command -v "$what" >/dev/null || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "missing: ${missing[*]}. Install them: apt-get install ${missing[*]}" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "installing ${missing[*]}"
apt-get update -q >/dev/null
apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
