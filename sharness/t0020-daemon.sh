#!/usr/bin/env bash
test_description='the life of a daemon, and what it refuses to start with'
. "$(dirname "$0")/lib/test-lib.sh"

# fails NAME PATTERN [FLAGS]: the daemon ends by itself with a non-zero code and
# one line that matches; log lines may come before.
fails() {
	local name=$1 pattern=$2
	shift 2
	CLUSTER_IPFSHTTP_NODEMULTIADDRESS=$(kubo_api a) \
		test_must_fail peer "$name" daemon "$@" >out 2>err || return 1
	tail -n 1 err | grep -E "$pattern" && ! grep -E "^goroutine |panic:" err && return 0
	tail -n 20 err
	return 1
}

# slow_post: begins a request whose body ends when finish_post is called.
slow_post() {
	mkfifo slow &&
		exec 8<>slow &&
		start slow curl --silent --verbose --max-time 30 --request POST --upload-file slow \
			--user "$(user a):$(password a)" "$(endpoint a)/pins" 8>&- &&
		printf '{"cid":' >&8 &&
		eventually 10 grep "100 Continue" "$HOME/logs/slow"
}

# finish_post CID: ends the body, and answers whether the pin was accepted.
finish_post() {
	printf '"%s"}' "$1" >&8 &&
		exec 8>&- &&
		eventually 30 gone slow &&
		stop slow &&
		grep "HTTP/1.1 202" "$HOME/logs/slow"
}

refuses_connections() {
	! curl --silent --max-time 5 "$(endpoint a)/health"
}

test_expect_success 'setup' '
	start_kubo a &&
	init_peer a
'

test_expect_success 'the daemon starts, and one line says where' '
	start_peer a a &&
	grep -cE "$(endpoint a)|$(address a)" "$HOME/logs/peer-a" >lines &&
	test "$(cat lines)" = 1
'

test_expect_success 'GET /health needs no credentials' '
	http "20[04]" "$(endpoint a)/health"
'

test_expect_success 'a second daemon on the folder is refused' '
	fails a "$HOME/peer-a"
'

test_expect_success 'the state of a running peer cannot be touched' '
	test_must_fail peer a state export >out 2>err &&
	grep -F "$HOME/peer-a" err &&
	test_must_fail peer a state cleanup -f
'

test_expect_success 'a busy port is refused, and the message names it' '
	init_peer busy &&
	edit_json "$HOME/peer-busy/service.json" \
		".api.pinsvcapi.http_listen_multiaddress = \"$(address a)\"" &&
	fails busy "$(endpoint a | sed "s/.*://")"
'

test_expect_success 'the first daemon noticed nothing' '
	api a 200 GET /pins
'

for signal in TERM INT; do
	test_expect_success "SIG$signal ends it with exit code 0, in time" '
		{ alive peer-a || start_peer a a; } &&
		stop peer-a "$signal" &&
		test_must_fail grep -E "^goroutine |panic:" "$HOME/logs/peer-a"
	'
done

test_expect_success 'a request that is under way is answered before the end' '
	cid=$(unknown_cid a slow) &&
	start_peer a a &&
	slow_post &&
	kill -s TERM "${pids[peer-a]}" &&
	eventually 10 refuses_connections &&
	finish_post "$cid" &&
	stop_peer a
'

test_expect_success 'what was pinned is there after a restart' '
	start_peer a a &&
	count a "status=queued,pinning,pinned,failed" 1 &&
	stop_peer a
'

test_expect_success 'after a SIGKILL the folder opens again' '
	start_peer a a &&
	test_expect_code 137 stop peer-a KILL &&
	start_peer a a &&
	count a "status=queued,pinning,pinned,failed" 1 &&
	stop_peer a
'

test_expect_success '--init makes an empty folder first' '
	CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS=$(address a) \
	CLUSTER_LISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/0 \
	CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/0 \
		launch_peer fresh a --init &&
	eventually 60 http 401 "$(endpoint a)/pins" &&
	eventually 60 grep -F "ipfs pin remote service add pinsvc $(endpoint a) " "$HOME/logs/peer-fresh" &&
	grep "^IPFS node: *embedded" "$HOME/logs/peer-fresh" &&
	test "$(stat -c %a "$HOME/peer-fresh/service.json")" = 600 &&
	stop_peer fresh
'

test_expect_success '--init leaves a folder that exists as it is' '
	sha256sum "$HOME"/peer-a/*.json >before &&
	start_peer a a --init &&
	stop_peer a &&
	sha256sum "$HOME"/peer-a/*.json >after &&
	test_cmp before after
'

test_expect_success 'the configuration was never written to' '
	init_peer same &&
	sha256sum "$HOME"/peer-same/*.json >before &&
	start_peer same a && stop_peer same &&
	sha256sum "$HOME"/peer-same/*.json >after &&
	test_cmp before after
'

# mistake NAME FILTER PATTERN: a configuration that FILTER broke is refused with
# a message that matches.
mistake() {
	init_peer "$1" && edit_json "$HOME/peer-$1/service.json" "$2" && fails "$1" "$3"
}

test_expect_success 'an unknown key of ours is named' '
	mistake unknown ".api.pinsvcapi.read_timeot = \"5s\"" "api\.pinsvcapi.*read_timeot"
'

test_expect_success 'with --allow-unknown-keys it is a warning' '
	start_peer unknown a --allow-unknown-keys &&
	grep -E "api\.pinsvcapi.*read_timeot" "$HOME/logs/peer-unknown" &&
	stop_peer unknown
'

test_expect_success 'a bad value is named with its section' '
	mistake value ".api.pinsvcapi.read_timeout = \"soon\"" "api\.pinsvcapi.*read_timeout"
'

test_expect_success 'no secret is in any log' '
	test_must_fail grep -F "$(password a)" "$HOME/logs/peer-a" &&
	test_must_fail grep -F "$(config a .cluster.secret)" "$HOME/logs/peer-a" &&
	test_must_fail grep -F "$(jq -r .private_key "$HOME/peer-a/identity.json")" "$HOME/logs/peer-a"
'

test_expect_success 'JSON that is cut off is an error that names the file' '
	init_peer cut &&
	echo "{\"cluster\":" >"$HOME/peer-cut/service.json" &&
	fails cut service.json
'

test_expect_success 'a section that is absent disables its component' '
	init_peer absent &&
	edit_json "$HOME/peer-absent/service.json" "del(.api.pinsvcapi) | del(.api.ipfsproxy)" &&
	launch_peer absent a &&
	eventually 60 http 401 "$(endpoint absent restapi)/id" &&
	stop_peer absent
'

test_done
