#!/usr/bin/env bash
test_description='a peer of ipfs-cluster-service v1.1.6 goes on with this program'
. "$(dirname "$0")/lib/test-lib.sh"

# service NAME ARGS...: the library's own program on the folder of that name.
service() {
	local name=$1
	shift
	IPFS_CLUSTER_PATH=$HOME/peer-$name timeout 60 ipfs-cluster-service "$@"
}

ctl() {
	timeout 60 ipfs-cluster-ctl --host "$(address "$1" restapi)" "${@:2}"
}

start_service() {
	IPFS_CLUSTER_PATH=$HOME/peer-$1 CLUSTER_IPFSHTTP_NODEMULTIADDRESS=$(kubo_api "$2") \
		start "peer-$1" ipfs-cluster-service daemon &&
		eventually 60 ctl "$1" id
}

everything='/pins?limit=1000&status=queued,pinning,pinned,failed'

# pinset NAME: what the Pinning Service API lists: name, CID and status.
pinset() {
	http 200 "$(endpoint "$1")$everything" &&
		jq -r '.results[] | "\(.pin.name) \(.pin.cid) \(.status)"' "$HOME/body" | sort
}

test_expect_success 'setup: a folder of ipfs-cluster-service, with pins in it' '
	start_kubo a &&
	service old init --randomports &&
	on_loopback "$HOME/peer-old/service.json" &&
	start_service old a &&
	add_files a 20 old >cids &&
	i=0 && for cid in $(cat cids); do
		i=$((i + 1)) && ctl old pin add --name "pin $i" --metadata "colour=red" "$cid" >/dev/null || return 1
	done &&
	stop_peer old &&
	sha256sum "$HOME"/peer-old/*.json >before
'

test_expect_success 'pinsvc starts on it as it is' '
	launch_peer old a &&
	eventually 60 http 200 "$(endpoint old)/pins"
'

test_expect_success 'every pin is there with its name, pinned' '
	i=0 && for cid in $(cat cids); do i=$((i + 1)) && echo "pin $i $cid pinned"; done | sort >want &&
	pinset old >out && test_cmp want out
'

test_expect_success 'and with its metadata' '
	http 200 --get --data-urlencode "meta={\"colour\":\"red\"}" "$(endpoint old)/pins" && json .count 20
'

test_expect_success 'each has a time of creation of its own, and the same a second time' '
	http 200 "$(endpoint old)$everything" && jq -r ".results[].created" body >times &&
	test "$(sort -u times | wc -l)" -ge 15 &&
	http 200 "$(endpoint old)$everything" && jq -r ".results[].created" body >again &&
	test_cmp times again
'

test_expect_success 'it writes, and stops' '
	new=$(echo new | kubo a add --quiet --cid-version=1) &&
	http 202 --data "{\"cid\":\"$new\",\"name\":\"new\"}" "$(endpoint old)/pins" &&
	eventually 30 http 200 "$(endpoint old)/pins?name=new" && json .count 1 &&
	stop_peer old
'

test_expect_success 'the configuration and the identity are untouched' '
	sha256sum "$HOME"/peer-old/*.json >after && test_cmp before after
'

test_expect_success 'and the way back is open, with what was written' '
	start_service old a &&
	ctl old pin ls "$new" >out && grep -F "$new" out &&
	test "$(ctl old pin ls | wc -l)" = 21 &&
	stop_peer old
'

test_expect_success 'a state that is exported there' '
	service old state export -f "$HOME/there.json" &&
	test "$(jq -s length there.json)" = 21
'

test_expect_success 'is exported the same here' '
	peer old state export -f "$HOME/here.json" &&
	jq -S -s "sort_by(.cid)" there.json >want && jq -S -s "sort_by(.cid)" here.json >out &&
	test_cmp want out &&
	peer old state export >stdout.json && test_cmp here.json stdout.json
'

test_expect_success 'imports here, from a file' '
	init_peer file && peer file state import -f "$HOME/there.json" &&
	peer file state export >out.json && jq -S -s "sort_by(.cid)" out.json >out && test_cmp want out
'

test_expect_success 'and from standard input' '
	init_peer stdin && peer stdin state import -f <there.json &&
	peer stdin state export >out.json && jq -S -s "sort_by(.cid)" out.json >out && test_cmp want out
'

test_expect_success 'a daemon on an imported state lists it, pinned' '
	start_peer file a &&
	eventually 60 count file status=pinned 21 &&
	stop_peer file
'

test_expect_success 'a state that is exported here imports there' '
	service back init --randomports &&
	service back state import -f "$HOME/here.json" &&
	service back state export -f "$HOME/back.json" &&
	jq -S -s "sort_by(.cid)" back.json >out && test_cmp want out
'

test_expect_success 'an import without -f asks, and no is no' '
	init_peer asked &&
	test_might_fail peer asked state import "$HOME/there.json" </dev/null &&
	peer asked state export >out && test_must_be_empty out
'

test_expect_success 'a file that is no state is refused in one line' '
	echo nonsense >nonsense &&
	test_must_fail peer asked state import -f "$HOME/nonsense" 2>err &&
	test_must_fail peer asked state import -f "$HOME/not-there" 2>err && grep not-there err
'

test_expect_success 'cleanup leaves an empty state, and the identity' '
	cp "$HOME/peer-file/identity.json" identity &&
	peer file state cleanup -f &&
	peer file state export >out && test_must_be_empty out &&
	test_cmp identity "$HOME/peer-file/identity.json"
'

test_done
