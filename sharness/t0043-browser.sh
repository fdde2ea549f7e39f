#!/usr/bin/env bash
test_description='a browser at the addresses of a peer: pages, and no password dialog'
. "$(dirname "$0")/lib/test-lib.sh"

# page URL: what Chromium makes of it; what it refuses goes to the file log.
page() {
	mkdir -p "$HOME/profile" &&
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--no-first-run --disable-background-networking --disable-component-update --disable-sync \
		--no-proxy-server --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' \
		--user-data-dir="$HOME/profile" --enable-logging=stderr --dump-dom "$1" 2>log
}

# plain LOG: the page broke none of its own rules.
plain() {
	! grep -iE "refused to|content security policy|CONSOLE" "$1"
}

test_expect_success 'setup: a peer' '
	start_embedded b
'

test_expect_success 'the endpoint: how to use it' '
	page "$(endpoint b)/" >dom && plain log &&
	grep "<title>IPFS Pinning Service</title>" dom &&
	grep -F "ipfs pin remote service add pinsvc $(endpoint b) TOKEN" dom
'

test_expect_success 'the reference that it links to' '
	grep "href=\"api.html\"" dom &&
	page "$(endpoint b)/api.html" >dom && plain log &&
	grep "DELETE /pins/{requestid}</code></h2>" dom
'

test_expect_success 'a program at the endpoint: an error in JSON, and a challenge' '
	for accept in "*/*" "application/json" ""; do
		status=$(curl -sS -D header -o body -w "%{http_code}" -H "Accept: $accept" "$(endpoint b)/") &&
		test "$status" = 401 && jq -e .error.reason body && grep -i "^www-authenticate: basic" header || return 1
	done
'

test_expect_success 'HEAD, as the address bar sends it: the page, and no challenge' '
	curl -sS -I -H "Accept: text/html,*/*;q=0.8" "$(endpoint b)/" >header &&
	grep "^HTTP/1.1 200" header && ! grep -i "^www-authenticate" header &&
	grep -i "^vary: accept" header && grep -i "^content-security-policy: default-src .none." header
'

test_done
