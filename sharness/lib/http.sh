# shellcheck shell=bash
#
# Requests without a client library, and what came back: the body of the last
# one is in ~/body, its header in ~/header.

# http STATUS CURL-ARGS...: sends a request and compares the answer's status,
# which may be a pattern (20[04]).
http() {
	local want=$1 got
	shift
	: >"$HOME/body"
	got=$(curl --silent --show-error --max-time 30 --output "$HOME/body" \
		--dump-header "$HOME/header" --write-out '%{http_code}' "$@")
	# shellcheck disable=SC2053 # it is a pattern
	[[ $got == $want ]] && return 0
	echo "status $got, wanted $want: curl $*" >&2
	cat "$HOME/body" >&2
	return 1
}

# api PEER STATUS METHOD PATH [CURL-ARGS...]: the same with the credentials of
# the peer's user, to its Pinning Service API.
api() {
	local name=$1 want=$2 method=$3 path=$4
	shift 4
	http "$want" --request "$method" --user "$(user "$name"):$(password "$name")" \
		"$@" "$(endpoint "$name")$path"
}

# json FILTER VALUE: what jq finds in the last body is this.
json() {
	local got
	got=$(jq -r "$1" "$HOME/body") || return 1
	[ "$got" = "$2" ] && return 0
	echo "$1 is '$got', wanted '$2', in:" >&2
	cat "$HOME/body" >&2
	return 1
}

# header NAME PATTERN: the last answer has that field, and its value matches.
header() {
	tr -d '\r' <"$HOME/header" | grep -iqE "^$1: *($2)\$" && return 0
	echo "no field $1: $2 in:" >&2
	cat "$HOME/header" >&2
	return 1
}

# pin PEER JSON: pins what the JSON says. The answer is in ~/body.
pin() {
	api "$1" 202 POST /pins --data "$2"
}

# status PEER REQUESTID STATUS: whether the pin has that status now.
status() {
	api "$1" 200 GET "/pins/$2" && json .status "$3"
}

# count PEER QUERY NUMBER: whether a list counts that many.
count() {
	api "$1" 200 GET "/pins?limit=1&$2" && json .count "$3"
}

# pin_all PEER: pins every CID that it reads, each with the name name-CID, eight
# at a time. Any answer but 202 is a failure.
pin_all() {
	local url token cid
	url=$(endpoint "$1")/pins
	token=$(peer "$1" token) || return 1
	while read -r cid; do
		printf 'next\nurl = "%s"\n' "$url"
		printf 'header = "Authorization: Bearer %s"\n' "$token"
		printf 'data = "{\\"cid\\":\\"%s\\",\\"name\\":\\"name-%s\\"}"\n' "$cid" "$cid"
		printf 'output = "/dev/null"\nwrite-out = "%%{http_code}\\n"\nmax-time = 60\n'
	done >"$HOME/requests"
	sed -i 1d "$HOME/requests"
	curl --silent --show-error --parallel --parallel-max 8 \
		--config "$HOME/requests" >"$HOME/answers" &&
		test "$(sort -u "$HOME/answers")" = 202
}
