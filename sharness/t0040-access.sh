#!/usr/bin/env bash
test_description='credentials: none, wrong, Basic, bearer; tokens; other origins'
. "$(dirname "$0")/lib/test-lib.sh"

# denied CURL-ARGS...: a request with these is a 401 in the API's own form.
denied() {
	http 401 "$@" "$url/pins" &&
		header content-type "application/json.*" &&
		header www-authenticate ".+" &&
		jq -e '(.error.reason | test("^[A-Z_]+$")) and (.error.details | type == "string")' body
}

# claims: reads a JWT, prints its middle part.
claims() {
	jq -R 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson'
}

test_expect_success 'setup' '
	start_kubo a &&
	init_peer a &&
	start_peer a a &&
	url=$(endpoint a) && user=$(user a) && password=$(password a)
'

test_expect_success 'no credentials' 'denied'
test_expect_success 'a wrong password' 'denied --user "$user:sesame"'
test_expect_success 'an unknown user' 'denied --user "nobody:$password"'
test_expect_success 'an empty password' 'denied --user "$user:"'
test_expect_success 'a token that is none' 'denied --header "Authorization: Bearer sesame"'
test_expect_success 'the password is no token' 'denied --header "Authorization: Bearer $password"'
test_expect_success 'a scheme that is not known' 'denied --header "Authorization: Digest $password"'

test_expect_success 'Basic' '
	http 200 --user "$user:$password" "$url/pins" && json .count 0
'

test_expect_success 'the token that the program prints' '
	peer a token >token && test "$(wc -l <token)" = 1 &&
	http 200 --header "Authorization: Bearer $(cat token)" "$url/pins"
'

test_expect_success 'it names its user as the issuer, has an ID, and tells since when' '
	claims <token >claims &&
	test "$(jq -r .iss claims)" = "$user" &&
	jq -e "(.iat | type == \"number\") and (.jti | length > 8)" claims
'

test_expect_success 'token --user NAME' '
	peer a token --user "$user" >token &&
	http 200 --header "Authorization: Bearer $(cat token)" "$url/pins" &&
	test_must_fail peer a token --user nobody 2>err &&
	test "$(wc -l <err)" = 1 && grep nobody err
'

test_expect_success 'token --kubo NAME' '
	peer a token --kubo mine >line &&
	test "$(wc -l <line)" = 1 &&
	grep -E "^ipfs pin remote service add mine $url [A-Za-z0-9_.-]+$" line
'

test_expect_success 'a token with another signature, and one without' '
	whole=$(cat token) &&
	denied --header "Authorization: Bearer ${whole%????}AAAA" &&
	denied --header "Authorization: Bearer ${whole%.*}." &&
	none=$(printf "{\"alg\":\"none\",\"typ\":\"JWT\"}" | base64 -w0 | tr -d =) &&
	middle=$(echo "$whole" | cut -d . -f 2) &&
	denied --header "Authorization: Bearer $none.$middle."
'

test_expect_success 'POST /token with Basic credentials answers one that works' '
	http 200 --user "$user:$password" --request POST "$url/token" &&
	header content-type "application/json.*" &&
	issued=$(jq -r .token body) &&
	http 200 --header "Authorization: Bearer $issued" "$url/pins"
'

test_expect_success 'POST /token without credentials' '
	http 401 --request POST "$url/token" && json ".error | has(\"reason\")" true
'

test_expect_success 'every answer of POST /token is another token' '
	http 200 --user "$user:$password" --request POST "$url/token" &&
	test "$(jq -r .token body)" != "$issued"
'

test_expect_success 'health needs none' '
	http "20[04]" "$url/health"
'

test_expect_success 'a preflight needs none, and allows what a browser asks for' '
	for method in GET POST DELETE; do
		http "20[04]" --request OPTIONS --header "Origin: https://example.com" \
			--header "Access-Control-Request-Method: $method" \
			--header "Access-Control-Request-Headers: authorization,content-type" "$url/pins" &&
		header access-control-allow-origin "\*|https://example.com" &&
		header access-control-allow-methods ".*$method.*" &&
		header access-control-allow-headers ".*authorization.*" &&
		header access-control-allow-headers ".*content-type.*" || return 1
	done
'

test_expect_success 'the preflight of a single pin, too' '
	http "20[04]" --request OPTIONS --header "Origin: https://example.com" \
		--header "Access-Control-Request-Method: DELETE" \
		--header "Access-Control-Request-Headers: authorization" "$url/pins/$(unknown_cid a x)" &&
	header access-control-allow-origin "\*|https://example.com"
'

test_expect_success 'errors carry the field for other origins, too' '
	http 401 --header "Origin: https://example.com" "$url/pins" &&
	header access-control-allow-origin "\*|https://example.com" &&
	http 404 --header "Origin: https://example.com" --user "$user:$password" "$url/nowhere" &&
	header access-control-allow-origin "\*|https://example.com" &&
	test_must_fail header access-control-allow-credentials true
'

test_expect_success 'a changed password revokes the tokens of that user' '
	stop_peer a &&
	edit_json "$HOME/peer-a/service.json" \
		".api.pinsvcapi.basic_auth_credentials[\"$user\"] = \"another password\"" &&
	start_peer a a &&
	denied --header "Authorization: Bearer $issued" &&
	denied --user "$user:$password" &&
	http 200 --user "$user:another password" "$url/pins"
'

test_expect_success 'token asks which user when there are two' '
	edit_json "$HOME/peer-a/service.json" ".api.pinsvcapi.basic_auth_credentials.second = \"0123\"" &&
	test_must_fail peer a token 2>err && test "$(wc -l <err)" = 1 &&
	peer a token --user second
'

test_expect_success 'without credentials in the configuration everybody may enter' '
	stop_peer a &&
	edit_json "$HOME/peer-a/service.json" "del(.api.pinsvcapi.basic_auth_credentials)" &&
	launch_peer a a &&
	eventually 60 http 200 "$url/pins"
'

test_expect_success 'with an empty list of them nobody may' '
	stop_peer a &&
	edit_json "$HOME/peer-a/service.json" ".api.pinsvcapi.basic_auth_credentials = {}" &&
	launch_peer a a &&
	eventually 60 denied &&
	denied --user ":" &&
	denied --user "$user:$password"
'

test_done
