# A clone, a certificate as certbot hands it to a deploy hook, and a peer that has
# a pin, so that there is something to export.
# shellcheck shell=bash
# shellcheck source=/dev/null
. "$DOCS_SANDBOX/before/clone.sh"
export RENEWED_LINEAGE=$HOME/lineage
mkdir "$RENEWED_LINEAGE"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=pins.example.com \
	-keyout "$RENEWED_LINEAGE/privkey.pem" -out "$RENEWED_LINEAGE/fullchain.pem"

install -m 0755 "$DOCS_SANDBOX/../pinsvc" /usr/local/bin/
useradd --system --home-dir /var/lib/pinsvc --create-home --shell /usr/sbin/nologin pinsvc
sudo -u pinsvc pinsvc --config /var/lib/pinsvc init
echo '{"cid":"bafkqaaa","name":"empty","type":"pin","replication_factor_min":-1,"replication_factor_max":-1,"max_depth":-1}' |
	sudo -u pinsvc pinsvc --config /var/lib/pinsvc state import -f
