#!/usr/bin/env bash
test_description='bad input is a 400 that names the parameter, and pins nothing'
. "$(dirname "$0")/lib/test-lib.sh"

# bad NAME: the last answer is an error in the API's own form that names this.
bad() {
	header content-type 'application/json.*' &&
		jq -e --arg name "$1" '(.error.reason | test("^[A-Z][A-Z_]*$"))
			and (.error.details | ascii_downcase | contains($name))' "$HOME/body" && return 0
	cat "$HOME/body"
	return 1
}

# bad_query NAME QUERY: a list with this query.
bad_query() {
	test_expect_success "GET /pins?$2" '
		api a 400 GET "/pins?'"$2"'" && bad "'"$1"'"
	'
}

# bad_body NAME JSON: a POST with this body, and the same as a replacement.
bad_body() {
	echo "$2" >"$HOME/sent"
	test_expect_success "POST $(cut -c 1-60 "$HOME/sent")" '
		api a 400 POST /pins --data-binary @sent && bad "'"$1"'" &&
		api a 400 POST "/pins/$kept" --data-binary @sent && bad "'"$1"'"
	'
}

test_expect_success 'setup: a peer with one pin' '
	start_kubo a &&
	init_peer a &&
	start_peer a a &&
	kept=$(echo kept | kubo a add --quiet --cid-version=1) &&
	pin a "{\"cid\":\"$kept\",\"name\":\"kept\"}" &&
	eventually 30 status a "$kept" pinned
'

for limit in 0 -1 1001 1000000000 99999999999999999999 ten 1.5; do
	bad_query limit "limit=$limit"
done
bad_query before before=yesterday
bad_query after after=2024-01-02T03:04:05
bad_query status status=pinned,done
bad_query match match=fuzzy
bad_query cid cid=nonsense
bad_query cid "cid=$(seq -s , 11 | sed "s/[0-9]*/bafkqaaa/g")"
bad_query name "name=$(printf '%0256d' 0)"
bad_query meta meta=nonsense
bad_query meta 'meta=%5B%5D'
bad_query meta 'meta=%7B%22a%22:1%7D'
bad_query meta 'meta=%7B%22pinsvc-created%22:%22x%22%7D'
bad_query meta 'meta%5Ba%5D%5Bb%5D=c'
bad_query meta meta.app=x
bad_query status 'status%5Beq%5D=pinned'
bad_query name 'name%5B%5D=a'
bad_query name 'name=a&name=b'

bad_body cid '{}'
bad_body cid '{"cid":""}'
bad_body cid '{"cid":null}'
bad_body cid '{"cid":7}'
bad_body cid '{"cid":"nonsense"}'
bad_body cid '{"cid":"/ipfs/bafkqaaa"}'
bad_body name '{"cid":"bafkqaaa","name":7}'
bad_body name "{\"cid\":\"bafkqaaa\",\"name\":\"$(printf '%0256d' 0)\"}"
bad_body origins '{"cid":"bafkqaaa","origins":"/ip4/127.0.0.1"}'
bad_body origins '{"cid":"bafkqaaa","origins":[1]}'
bad_body meta '{"cid":"bafkqaaa","meta":[]}'
bad_body meta '{"cid":"bafkqaaa","meta":{"a":1}}'
bad_body meta '{"cid":"bafkqaaa","meta":{"a":{"b":"c"}}}'
bad_body meta '{"cid":"bafkqaaa","meta":{"pinsvc-created":"x"}}'
bad_body meta "$(jq -n -c '{cid: "bafkqaaa", meta: ([range(1001) | {"k\(.)": ""}] | add)}')"
bad_body json '{"cid":'
bad_body json '[]'
bad_body json '{"cid":"bafkqaaa"} {"cid":"bafkqaaa"}'
bad_body json ''

test_expect_success 'a request ID that is no CID' '
	for method in GET DELETE POST; do
		api a 404 "$method" /pins/nonsense --data "{\"cid\":\"bafkqaaa\"}" && bad "" &&
		api a 404 "$method" /pins/1d7b1c2e-7d0c-4d39-bb9e-6a5d4f4c9d5e --data "{\"cid\":\"bafkqaaa\"}" && bad "" || return 1
	done &&
	api a 404 GET /pins/bafkqaaa && bad ""
'

test_expect_success 'a request ID that is not in the pinset is 404' '
	for method in GET DELETE; do
		api a 404 "$method" /pins/bafkqaaa && bad "" || return 1
	done &&
	api a 404 POST /pins/bafkqaaa --data "{\"cid\":\"$kept\"}" && bad ""
'

test_expect_success 'an unknown route and a wrong method are JSON, too' '
	api a 404 GET /nowhere && bad "" &&
	api a 405 PUT /pins && bad "" && header allow ".*GET.*"
'

test_expect_success 'a body that is too large is a 413' '
	jq -n "{cid: \"bafkqaaa\", name: (\"x\" * 2000000)}" >large &&
	api a 413 POST /pins --data-binary @large --header "Expect:" && bad ""
'

test_expect_success '255 characters are not too many in any script' '
	name=$(for i in $(seq 255); do printf "針"; done) &&
	pin a "{\"cid\":\"$kept\",\"name\":\"$name\"}" && json .pin.name "$name"
'

test_expect_success 'unknown fields and parameters are ignored, null and empty are absent' '
	pin a "{\"cid\":\"$kept\",\"name\":null,\"meta\":null,\"origins\":null,\"colour\":\"red\"}" &&
	json ".pin | has(\"name\")" false &&
	api a 200 GET "/pins?colour=red&limit=&name=&cid=&status=&before=" && json .count 1
'

test_expect_success 'origins that nobody can dial do not matter' '
	pin a "{\"cid\":\"$kept\",\"origins\":[\"nonsense\",\"/ip4/127.0.0.1/tcp/1\",\"\"]}" &&
	status a "$kept" pinned
'

test_expect_success 'a trailing slash is the same route' '
	api a 200 GET /pins/ && json .count 1 &&
	api a 200 GET "/pins/$kept/" && json .requestid "$kept"
'

test_expect_success 'after all that there is one pin, and it is pinned' '
	count a status=queued,pinning,pinned,failed 1 &&
	status a "$kept" pinned
'

test_done
