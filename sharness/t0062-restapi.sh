#!/usr/bin/env bash
test_description='the REST API: ipfs-cluster-ctl v1.1.6, curl; HTTP, TLS, libp2p; right and wrong credentials'
. "$(dirname "$0")/lib/test-lib.sh"

# ctl ARGS...: with the credentials that init made, over HTTP.
ctl() {
	timeout 60 ipfs-cluster-ctl --host "$(address a restapi)" --force-http \
		--basic-auth "$(user a):$(password a)" "$@"
}

# ctl_json FILTER VALUE ARGS...: what jq finds in what ctl prints is this. Lists
# come as one document for each value.
ctl_json() {
	local filter=$1 want=$2 got
	shift 2
	ctl --encoding json "$@" >out || return 1
	got=$(jq -rs "flatten(1) | $filter" out) || return 1
	[ "$got" = "$want" ] && return 0
	echo "$filter is '$got', wanted '$want', in:" >&2
	cat out >&2
	return 1
}

# rest STATUS METHOD PATH [CURL-ARGS...]: without ctl.
rest() {
	local want=$1 method=$2 path=$3
	shift 3
	http "$want" --request "$method" --user "$(user a):$(password a)" "$@" "$(endpoint a restapi)$path"
}

# refused CODE ARGS...: ctl fails, and says with which status.
refused() {
	local code=$1
	shift
	test_must_fail ctl "$@" >out 2>err || return 1
	cat out err >both && grep -E "Code: $code|\($code\)|\"code\": ?$code" both
}

# is_pinned CID: by the one Kubo that there is.
is_pinned() {
	kubo a pin ls --type=recursive "$1"
}

test_expect_success 'setup' '
	start_kubo a &&
	init_peer a &&
	start_peer a a &&
	id=$(jq -r .id "$HOME/peer-a/identity.json") &&
	one=$(echo one | kubo a add --quiet --pin=false --cid-version=1) &&
	two=$(echo two | kubo a add --quiet --pin=false) &&
	three=$(echo three | kubo a add --quiet --pin=false --cid-version=1)
'

test_expect_success 'id, version, peers ls' '
	ctl_json ".[0].id" "$id" id &&
	ctl_json ".[0].version" "1.1.6" version &&
	ctl_json ".[0].id" "$id" peers ls && ctl_json length 1 peers ls
'

test_expect_success 'peers rm of nobody is a mistake, not a breakdown' '
	rest 400 DELETE /peers/nobody && json .code 400 &&
	rest 400 POST /peers --data "{\"peer_id\":\"nobody\"}" && json .code 400
'

test_expect_success 'pin add with every option' '
	ctl_json ".[0].cid" "$one" pin add --wait --wait-timeout 30s --name "first pin" --replication-min 1 --replication-max 1 \
		--metadata a=1 --metadata b=2 --expire-in 24h --allocations "$id" "$one" &&
	is_pinned "$one" &&
	ctl_json ".[0].name" "first pin" pin ls "$one" &&
	ctl_json ".[0].metadata | tojson" "{\"a\":\"1\",\"b\":\"2\"}" pin ls "$one" &&
	ctl_json ".[0] | [.replication_factor_min, .replication_factor_max, .allocations[0]] | tojson" "[1,1,\"$id\"]" pin ls "$one" &&
	ctl_json ".[0].expire_at | . > \"2020\"" true pin ls "$one"
'

test_expect_success 'a direct pin' '
	ctl pin add --mode direct --no-status "$two" &&
	ctl_json ".[0] | [.mode, .max_depth] | tojson" "[\"direct\",0]" pin ls "$two" &&
	eventually 30 kubo a pin ls --type=direct "$two" &&
	ctl pin rm --wait --wait-timeout 30s "$two"
'

test_expect_success 'a pin by its path' '
	folder=$(mkdir -p f/g && echo deep >f/g/h && kubo a add --quieter --recursive --pin=false f) &&
	deep=$(kubo a resolve "/ipfs/$folder/g/h" | cut -d / -f 3) &&
	ctl_json ".[0].cid" "$deep" pin add --wait --wait-timeout 30s "/ipfs/$folder/g/h" &&
	ctl pin rm "/ipfs/$folder/g/h" && test_must_fail ctl pin ls "$deep"
'

test_expect_success 'a path that leads nowhere is not found' '
	rest 404 POST "/pins/ipfs/$folder/nowhere" && json .code 404
'

test_expect_success 'pin ls with filters' '
	ctl_json "map(.cid) | tojson" "[\"$one\"]" pin ls &&
	ctl_json "map(.cid) | tojson" "[\"$one\"]" pin ls --filter pin &&
	ctl_json length 0 pin ls --filter meta-pin,clusterdag-pin,shard-pin &&
	rest 400 GET "/allocations?filter=pins" && json .code 400
'

test_expect_success 'pin add again keeps the time of creation, and what peers keep is not seen' '
	api a 200 GET "/pins/$one" && created=$(jq -r .created body) && test -n "$created" &&
	ctl pin add --name renamed "$one" &&
	api a 200 GET "/pins/$one" && json .created "$created" && json .pin.name renamed &&
	rest 200 GET "/allocations/$one" && json ".metadata | keys | map(select(startswith(\"pinsvc-\"))) | length" 0 &&
	rest 400 POST "/pins/$one?meta-pinsvc-created=2000-01-01T00:00:00.000Z" &&
	api a 200 GET "/pins/$one" && json .created "$created"
'

test_expect_success 'pin update copies the options, but not the time of creation' '
	ctl pin update --wait --wait-timeout 30s --name updated "$one" "$three" &&
	is_pinned "$three" &&
	ctl_json ".[0].name" updated pin ls "$three" &&
	api a 200 GET "/pins/$three" && json ".created > \"$created\"" true &&
	ctl pin rm "$three"
'

test_expect_success 'status of one, of several, of all, here and everywhere' '
	ctl_json ".[0].peer_map[\"$id\"].status" pinned status "$one" &&
	ctl_json ".[0].peer_map[\"$id\"].status" pinned status --local "$one" &&
	ctl_json "map(.peer_map[\"$id\"].status) | sort | tojson" "[\"pinned\",\"unpinned\"]" status "$one" "$two" &&
	ctl_json "map(.cid) | tojson" "[\"$one\"]" status &&
	ctl_json "map(.cid) | tojson" "[\"$one\"]" status --local
'

test_expect_success 'status with every filter' '
	for filter in cluster_error pin_error unpin_error error pinned pinning unpinning unpinned remote \
		pin_queued unpin_queued queued sharded unexpectedly_unpinned pinned,error; do
		case $filter in pinned*) want=1 ;; *) want=0 ;; esac
		ctl_json length "$want" status --filter "$filter" &&
		ctl_json length "$want" status --local --filter "$filter" || return 1
	done &&
	rest 400 GET "/pins?filter=pined" && json .code 400 &&
	rest 400 GET "/pins?local=perhaps" && json .code 400 &&
	rest 200 GET "/pins?cids=$one,$two&filter=pinned" && test "$(wc -l <body)" = 1
'

test_expect_success 'recover' '
	ctl_json ".[0].cid" "$one" recover "$one" &&
	ctl recover --local "$one" && ctl recover && ctl recover --local
'

test_expect_success 'health' '
	ctl health graph >out && grep -i "$id" out &&
	ctl_json ".[0] | length >= 1" true health metrics &&
	eventually 30 ctl_json ".[0].peer" "$id" health metrics ping &&
	ctl_json ".[0].peer" "$id" health metrics freespace &&
	ctl health alerts &&
	ctl_json ".[0] | type" object health bandwidth
'

test_expect_success 'ipfs gc' '
	garbage=$(echo garbage | kubo a add --quiet --pin=false --cid-version=1) &&
	ctl_json ".[0].peer_map[\"$id\"].keys | map(.key) | any(. == \"$garbage\")" true ipfs gc &&
	ctl ipfs gc --local && is_pinned "$one"
'

test_expect_success 'add a file, in several ways' '
	echo "added by ctl" >file &&
	added=$(ctl add --quieter file) && is_pinned "$added" &&
	test "$added" = "$(kubo a add --quieter --only-hash file)" &&
	test "$(ctl add --quieter --no-stream file)" = "$added" &&
	test "$(ctl add --quieter --cid-version 1 --local file)" = "$(kubo a add --quieter --only-hash --cid-version 1 file)" &&
	test "$(ctl add --quieter --hash blake2b-256 file)" = "$(kubo a add --quieter --only-hash --hash blake2b-256 file)" &&
	test "$(ctl add --quieter --raw-leaves --chunker size-5 --layout trickle file)" = \
		"$(kubo a add --quieter --only-hash --raw-leaves --chunker size-5 --trickle file)" &&
	ctl add --wait --wait-timeout 30s --name "by ctl" --metadata k=v --replication-min -1 --replication-max -1 file &&
	ctl_json ".[0] | [.name, .metadata.k, .replication_factor_min] | tojson" "[\"by ctl\",\"v\",-1]" pin ls "$added"
'

test_expect_success 'add a folder' '
	echo hidden >f/.hidden &&
	added=$(ctl add --recursive --quieter f) && test "$added" = "$(kubo a add --recursive --quieter --only-hash f)" && is_pinned "$added" &&
	added=$(ctl add --recursive --hidden --quieter f) && test "$added" = "$(kubo a add --recursive --hidden --quieter --only-hash f)" &&
	added=$(ctl add --wrap-with-directory --quieter file) && kubo a ls "$added" >out && grep file out &&
	test_must_fail ctl add f
'

test_expect_success 'add what is not to be pinned' '
	echo "only blocks" >loose &&
	added=$(ctl add --no-pin --quieter loose) && kubo a block stat --offline "$added" && test_must_fail ctl pin ls "$added"
'

test_expect_success 'add a CAR' '
	root=$(kubo a add --recursive --quieter f) && kubo a dag export "$root" >f.car &&
	test "$(ctl add --format car --quieter f.car)" = "$root" &&
	refused 400 add --format car file
'

test_expect_success 'add in shards, as far as the library goes' '
	head -c 300000 /dev/urandom >random &&
	rest 200 POST "/add?shard=true&shard-size=200000&name=sharded&chunker=size-10000" --form file=@random &&
	header x-chunked-output 1 &&
	root=$(jq -rs "map(select(.name == \"random\")) | last.cid" body) &&
	ctl_json ".[0].type" meta-pin pin ls "$root" &&
	ctl_json "length >= 1" true pin ls --filter shard-pin &&
	ctl_json "length" 1 pin ls --filter clusterdag-pin &&
	shard=$(ctl --encoding json pin ls --filter shard-pin | jq -rs "flatten(1)[0].cid") &&
	rest 400 DELETE "/pins/$shard" && json .code 400 &&
	ctl pin rm "$root" && ctl_json length 0 pin ls --filter shard-pin,clusterdag-pin,meta-pin
'

test_expect_success 'an answer that is one document, and one that is a stream' '
	rest 200 POST "/add?stream-channels=false" --form file=@file && json "length >= 1" true &&
	rest 200 POST /add --form file=@file && test "$(jq -rs "length >= 1" body)" = true
'

test_expect_success 'uploads that are none' '
	rest 400 POST /add --data nothing && json .code 400 &&
	rest 400 POST "/add?chunker=odd" --form file=@file && json .code 400 &&
	rest 400 POST "/add?layout=odd" --form file=@file && json .code 400 &&
	rest 400 POST "/add?format=car" --form file=@file && json .code 400
'

test_expect_success 'mistakes are 400, what is not there is 404' '
	rest 400 POST /pins/nonsense && json .code 400 &&
	rest 400 POST "/pins/$one?replication-min=many" && json .code 400 &&
	rest 400 POST "/pins/$one?replication-min=3&replication-max=1" && json .code 400 &&
	rest 400 POST "/pins/$one?mode=odd" && json .code 400 &&
	rest 400 POST "/pins/$one?mode=direct" && json .code 400 &&
	rest 400 POST "/pins/$one?expire-at=2000-01-01T00:00:00Z" && json .code 400 &&
	rest 404 GET "/allocations/$two" && json .code 404 &&
	rest 404 DELETE "/pins/$two" && json .code 404 &&
	rest 404 GET /nowhere && json .code 404 &&
	rest 405 PUT /pins && json .code 405 && header allow ".*GET.*" &&
	rest 503 POST "/pins/$two?replication=5" && json .code 503 && header retry-after "[0-9]+"
'

test_expect_success 'an empty list is 204' '
	rest 204 GET "/allocations?filter=meta-pin" && rest 204 GET "/pins?filter=remote"
'

test_expect_success 'the end of a stream tells that there was no error' '
	rest 200 GET /pins --header "TE: trailers" && header trailer x-stream-error
'

test_expect_success 'wrong credentials, and none' '
	for auth in "$(user a):wrong" "nobody:$(password a)"; do
		test_must_fail timeout 60 ipfs-cluster-ctl --host "$(address a restapi)" --force-http --basic-auth "$auth" id >out 2>&1 &&
		grep 401 out || return 1
	done &&
	test_must_fail timeout 60 ipfs-cluster-ctl --host "$(address a restapi)" id >out 2>&1 && grep 401 out &&
	http 401 "$(endpoint a restapi)/id" && json .code 401 && header www-authenticate "Basic.*"
'

test_expect_success 'a token of one API is good for the other' '
	http 200 --user "$(user a):$(password a)" --request POST --data "{\"expires_in\":\"1h\"}" "$(endpoint a restapi)/token" &&
	token=$(jq -r .token body) &&
	http 200 --header "Authorization: Bearer $token" "$(endpoint a)/pins" &&
	http 200 --user "$(user a):$(password a)" --request POST "$(endpoint a)/token" &&
	http 200 --header "Authorization: Bearer $(jq -r .token body)" "$(endpoint a restapi)/id"
'

test_expect_success 'every write has an audit line, with the token, and no log has a secret' '
	jti=$(echo "$token" | jq -R "split(\".\")[1] | gsub(\"-\"; \"+\") | gsub(\"_\"; \"/\") | @base64d | fromjson.jti" -r) &&
	http 200 --header "Authorization: Bearer $token" --request POST "$(endpoint a restapi)/pins/$two" &&
	grep audit "$HOME/logs/peer-a" | grep "/pins/$two" | grep "$jti" | grep "$(user a)" | grep 127.0.0.1 &&
	test_must_fail grep -e "$(password a)" -e "$token" "$HOME/logs/peer-a"
'

test_expect_success 'a web page may not write, although it may read' '
	rest 403 POST "/pins/$one" --header "Origin: https://example.com" && json .code 403 &&
	rest 200 GET /id --header "Origin: https://example.com" && header access-control-allow-origin "\*"
'

# free NAME: a port that nobody uses, as a multiaddress.
free() {
	[ -e "$HOME/peer-$1/service.json" ] || init_peer "$1" || return 1
	address "$1" restapi
}

test_expect_success 'over TLS' '
	stop_peer a && plain=$(address a restapi) &&
	openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext "subjectAltName=IP:127.0.0.1" \
		-keyout "$HOME/peer-a/key.pem" -out "$HOME/peer-a/cert.pem" &&
	edit_json "$HOME/peer-a/service.json" ".api.restapi.ssl_cert_file = \"cert.pem\" | .api.restapi.ssl_key_file = \"key.pem\"" &&
	start_peer a a &&
	timeout 60 ipfs-cluster-ctl --host "$plain" --https --no-check-certificate --basic-auth "$(user a):$(password a)" id >out &&
	grep "$id" out &&
	test_must_fail timeout 60 ipfs-cluster-ctl --host "$plain" --https --basic-auth "$(user a):$(password a)" id &&
	test_must_fail timeout 60 ipfs-cluster-ctl --host "$plain" --https --no-check-certificate --basic-auth "$(user a):wrong" id &&
	secure=$(endpoint a restapi | sed s/http:/https:/) &&
	http 200 --cacert "$HOME/peer-a/cert.pem" --user "$(user a):$(password a)" --http2 "$secure/id" &&
	grep -i "^HTTP/2 200" header &&
	http 200 --cacert "$HOME/peer-a/cert.pem" --user "$(user a):$(password a)" --form file=@file "$secure/add"
'

test_expect_success 'over libp2p, with an identity of its own' '
	stop_peer a && init_peer other && listen=$(free other) &&
	key=$(jq .private_key "$HOME/peer-other/identity.json") && own=$(jq -r .id "$HOME/peer-other/identity.json") &&
	edit_json "$HOME/peer-a/service.json" ".api.restapi |= (del(.ssl_cert_file, .ssl_key_file) |
		.id = \"$own\" | .private_key = $key | .libp2p_listen_multiaddress = \"$listen\")" &&
	start_peer a a && way=$listen/p2p/$own &&
	timeout 60 ipfs-cluster-ctl --host "$way" --basic-auth "$(user a):$(password a)" id >out && grep "$id" out &&
	timeout 60 ipfs-cluster-ctl --host "$way" --basic-auth "$(user a):$(password a)" add --quieter file &&
	timeout 60 ipfs-cluster-ctl --host "$way" --basic-auth "$(user a):$(password a)" pin ls >out && grep "$one" out &&
	test_must_fail timeout 60 ipfs-cluster-ctl --host "$way" --basic-auth "$(user a):wrong" id &&
	test_must_fail timeout 60 ipfs-cluster-ctl --host "$way" id &&
	ctl id
'

test_expect_success 'a follower reads, and refuses writes' '
	stop_peer a && edit_json "$HOME/peer-a/service.json" ".cluster.follower_mode = true" && start_peer a a &&
	ctl_json ".[0].cid" "$one" pin ls "$one" &&
	rest 403 POST "/pins/$two" && json .code 403 &&
	rest 403 DELETE "/pins/$one" && json .code 403 &&
	rest 403 POST /add --form file=@file && json .code 403
'

test_done
