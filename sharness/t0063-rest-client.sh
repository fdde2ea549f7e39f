#!/usr/bin/env bash
test_description='the Go client of ipfs-cluster v1.1.6 over HTTP, TLS and libp2p'
restclient=$(cd "$(dirname "$0")/.." && pwd)/bin/restclient.test
(cd "$(dirname "$0")/clients" && go test -c -o "$restclient" ./restclient) || exit 1
. "$(dirname "$0")/lib/test-lib.sh"

# client ADDRESS [NAME=VALUE]: runs the whole story.
client() {
	env REST_ADDRESS="$1" REST_ID="$(jq -r .id "$HOME/peer-a/identity.json")" \
		REST_USER="$(user a)" REST_PASSWORD="$(password a)" "${@:2}" \
		"$restclient" -test.v -test.timeout 3m >client &&
		grep "^--- PASS: TestClient" client
}

test_expect_success 'setup' '
	start_kubo a && init_peer a && start_peer a a && init_peer other
'

test_expect_success 'over HTTP' '
	client "$(address a restapi)"
'

test_expect_success 'over TLS' '
	stop_peer a &&
	openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext "subjectAltName=IP:127.0.0.1" \
		-keyout "$HOME/peer-a/key.pem" -out "$HOME/peer-a/cert.pem" &&
	edit_json "$HOME/peer-a/service.json" ".api.restapi.ssl_cert_file = \"cert.pem\" | .api.restapi.ssl_key_file = \"key.pem\"" &&
	start_peer a a && client "$(address a restapi)" REST_TLS=1
'

test_expect_success 'over libp2p' '
	stop_peer a && listen=$(address other restapi) &&
	key=$(jq .private_key "$HOME/peer-other/identity.json") && own=$(jq -r .id "$HOME/peer-other/identity.json") &&
	edit_json "$HOME/peer-a/service.json" ".api.restapi |= (del(.ssl_cert_file, .ssl_key_file) |
		.id = \"$own\" | .private_key = $key | .libp2p_listen_multiaddress = \"$listen\")" &&
	start_peer a a && client "$listen/p2p/$own"
'

test_done
