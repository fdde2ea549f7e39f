# shellcheck shell=bash
#
# What every test script sources first. It brings Debian's sharness, puts the
# programs on the PATH, and makes sure that whatever a test started is stopped,
# and that the logs are shown when something failed.
#
# A test works in an empty folder that is its HOME. Kubo NAME keeps its
# repository in ~/kubo-NAME, peer NAME its folder in ~/peer-NAME, and both write
# their logs to ~/logs.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lib=$repo/sharness/lib

# Nothing of the caller's may decide what is tested.
unset IPFS_PATH IPFS_CLUSTER_PATH IPFS_CLUSTER_LOG_LEVEL "${!CLUSTER_@}"

for tool in ipfs ipfs-cluster-service ipfs-cluster-ctl; do
	program=$("$repo/tools/build.sh" "$tool") || exit 1
	PATH=$(dirname "$program"):$PATH
done
export PATH

# Where sharness makes the folder of a test, and what it puts first on the PATH.
export SHARNESS_TEST_DIRECTORY=$repo/sharness/results
export SHARNESS_BUILD_DIRECTORY=$repo/bin
export SHARNESS_TEST_EXTENSION=sh
mkdir -p "$SHARNESS_TEST_DIRECTORY"

# shellcheck disable=SC1091 # it is Debian's
. /usr/share/sharness/sharness.sh

# this_test, verbose and test_failure are set by sharness.
# shellcheck disable=SC2154
details=$SHARNESS_TEST_DIRECTORY/$this_test.log
mkdir -p "$HOME/logs"

# What the commands of a test print is kept, to be shown when one fails.
if [ "${verbose:-}" != t ]; then
	exec 3>"$details" 4>&3
fi

. "$lib/processes.sh"
. "$lib/kubo.sh"
. "$lib/peer.sh"
. "$lib/http.sh"

# show_logs prints what a person needs to understand a failure.
show_logs() {
	local log
	for log in "$details" "$HOME"/logs/*; do
		[ -s "$log" ] || continue
		echo "---- ${log##*/} of $this_test, its end"
		tail -n 100 "$log"
	done
}

# on_exit runs however the script ends. die is sharness's own trap.
on_exit() {
	local code=$?
	stop_all
	if [ "$test_failure" -gt 0 ] || [ -z "${EXIT_OK:-}" ]; then
		show_logs >&2
	fi
	(exit "$code")
	die
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Before sharness removes the folder, whatever writes to it has to stop.
cleanup stop_all
