#!/usr/bin/env bash
test_description='the MFS policy of Kubo, which keeps one pin and replaces it'
. "$(dirname "$0")/lib/test-lib.sh"

# How often the policy looks; what it does is in the log.
export MFS_PIN_POLL_INTERVAL=1s
export GOLOG_LOG_LEVEL=error,remotepinning/mfs=debug
# A pin that makes no progress for that long has failed.
export CLUSTER_IPFSHTTP_PINTIMEOUT=10s

all=status=queued,pinning,pinned,failed

# write FILE TEXT: changes the user's MFS, whose new root is then in $root.
write() {
	echo "$2" | kubo a files write --create --cid-version=1 "/$1" &&
		root=$(kubo a files stat --hash /)
}

# kept REQUESTID STATUS: the policy's pin is the only one, and has that status.
kept() {
	api b 200 GET "/pins?name=mfs&$all" &&
		json .count 1 && json ".results[0].requestid" "$1" && json ".results[0].status" "$2"
}

pinned_at_kubo() {
	kubo b pin ls --type=recursive "$1"
}

# looked SINCE WHAT: the policy's log has it, below line SINCE.
looked() {
	tail -n "+$(($1 + 1))" "$HOME/logs/kubo-a" | grep -F "$2"
}

# start_offline: the user's Kubo, of which nobody can get anything.
start_offline() {
	rm -f "$HOME/kubo-a/api"
	IPFS_PATH=$HOME/kubo-a start kubo-a ipfs daemon --offline &&
		eventually 60 offline_ready
}

# Without a daemon the command would work, too, and take its repository.
offline_ready() {
	[ -s "$HOME/kubo-a/api" ] && kubo a files stat /
}

log_length() {
	wc -l <"$HOME/logs/kubo-a"
}

test_expect_success 'setup: a peer, and a user whose MFS is to be pinned there' '
	start_kubo b &&
	init_peer b &&
	start_peer b b &&
	start_kubo a &&
	add_service a here b &&
	write one first &&
	kubo a config --json Pinning.RemoteServices.here.Policies.MFS \
		"{\"Enable\":true,\"PinName\":\"mfs\",\"RepinInterval\":\"1s\"}"
'

test_expect_success 'the root is pinned under the name of the policy' '
	eventually 60 kept "$root" pinned &&
	pinned_at_kubo "$root" &&
	created=$(jq -r ".results[0].created" body)
'

test_expect_success 'a new root replaces it' '
	old=$root &&
	write two second && test "$root" != "$old" &&
	eventually 60 kept "$root" pinned &&
	api b 404 GET "/pins/$old" &&
	pinned_at_kubo "$root" &&
	eventually 30 test_must_fail pinned_at_kubo "$old" &&
	later=$(jq -r ".results[0].created" body)
'

test_expect_success 'five in a row, and one pin is left' '
	for i in 1 2 3 4 5; do
		write "$i" "$i" && eventually 60 kept "$root" pinned || return 1
	done &&
	count b "$all" 1 && pinned_at_kubo "$root"
'

test_expect_success 'after a restart it finds the pin, and leaves it alone' '
	kept "$root" pinned && created=$(jq -r ".results[0].created" body) &&
	stop_kubo a && since=$(log_length) && start_kubo a &&
	eventually 60 looked "$since" "pin for \"$root\" exists since" &&
	kept "$root" pinned && json ".results[0].created" "$created"
'

test_expect_success 'a root that nobody can get has failed' '
	stop_kubo a && start_offline &&
	write lost lost &&
	eventually 60 kept "$root" failed &&
	created=$(jq -r ".results[0].created" body)
'

test_expect_success 'replaced by itself, with addresses where it is, it is pinned' '
	stop_kubo a && since=$(log_length) && start_kubo a &&
	eventually 60 looked "$since" "replacing existing MFS root pin with \"$root\"" &&
	eventually 60 kept "$root" pinned &&
	json ".results[0].created" "$created" &&
	pinned_at_kubo "$root"
'

test_expect_success 'one pin is left' '
	count b "$all" 1
'

test_done
