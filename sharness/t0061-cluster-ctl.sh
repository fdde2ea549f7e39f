#!/usr/bin/env bash
test_description='ipfs-cluster-ctl v1.1.6 against the REST API of a peer'
. "$(dirname "$0")/lib/test-lib.sh"

# ctl ARGS...: with the credentials that init made.
ctl() {
	timeout 60 ipfs-cluster-ctl --host "$(address a restapi)" --force-http \
		--basic-auth "$(user a):$(password a)" "$@"
}

test_expect_success 'setup' '
	start_kubo a &&
	init_peer a &&
	start_peer a a &&
	cid=$(echo content | kubo a add --quiet --cid-version=1)
'

test_expect_success 'without credentials it may not' '
	test_must_fail timeout 60 ipfs-cluster-ctl --host "$(address a restapi)" id
'

test_expect_success 'id and peers ls name the peer' '
	id=$(jq -r .id "$HOME/peer-a/identity.json") &&
	ctl id >out && grep "$id" out &&
	ctl peers ls >out && grep "$id" out
'

test_expect_success 'version' '
	ctl version >out && grep 1.1.6 out
'

test_expect_success 'a pin by ctl shows up in the Pinning Service API' '
	ctl pin add --wait --name "by ctl" "$cid" &&
	status a "$cid" pinned && json .pin.name "by ctl" &&
	created=$(jq -r .created body) && test -n "$created"
'

test_expect_success 'and keeps its time of creation when ctl pins it again' '
	ctl pin add --name "by ctl again" "$cid" &&
	api a 200 GET "/pins/$cid" && json .pin.name "by ctl again" && json .created "$created"
'

test_expect_success 'a pin by the Pinning Service API shows up in ctl' '
	other=$(echo other | kubo a add --quiet --cid-version=1) &&
	pin a "{\"cid\":\"$other\",\"name\":\"by api\"}" &&
	eventually 30 status a "$other" pinned &&
	ctl pin ls "$other" >out && grep "by api" out &&
	ctl status "$other" >out && grep PINNED out
'

test_expect_success 'pin rm' '
	ctl pin rm "$other" &&
	api a 404 GET "/pins/$other"
'

test_expect_success 'add' '
	echo "added by ctl" >file &&
	added=$(ctl add --quieter file) &&
	status a "$added" pinned
'

test_expect_success 'recover, sync of the metrics, health' '
	ctl recover --local &&
	ctl health metrics freespace >out && grep "$id" out &&
	ctl health graph >out && grep -i "$id" out
'

test_done
