# A server that certificates come from, with the name and the protocol of Let's
# Encrypt: another Caddy, on a machine of its own, which the machine trusts. It
# asks pins.example.com for proof before it issues a certificate.
# shellcheck shell=bash
acme=$DOCS_WORK/machine/acme
mkdir -p "$acme"
dpkg-deb -x "$DOCS_CADDY" "$acme"
ip netns add acme
ip link add acme0 type veth peer name eth0 netns acme
ip address add 10.99.0.1/24 dev acme0
ip link set acme0 up
ip -n acme address add 10.99.0.2/24 dev eth0
ip -n acme link set eth0 up
ip -n acme link set lo up
# It has to find the server at an address that is not its own loopback.
sed -i 's/ pins.example.com / /' /etc/hosts
printf '10.99.0.1 pins.example.com\n10.99.0.2 acme-v02.api.letsencrypt.org\n' >>/etc/hosts
cat >"$acme/Caddyfile" <<'CADDY'
{
	admin off
	auto_https disable_redirects
}
acme-v02.api.letsencrypt.org {
	tls internal
	rewrite /directory /acme/local/directory
	acme_server
}
CADDY
XDG_DATA_HOME=$acme/data XDG_CONFIG_HOME=$acme/config ip netns exec acme \
	"$acme/usr/bin/caddy" run --config "$acme/Caddyfile" >acme.log 2>&1 &
curl -skfo /dev/null --retry 60 --retry-delay 1 --retry-connrefused https://acme-v02.api.letsencrypt.org/directory
cat "$acme/data/caddy/pki/authorities/local/root.crt" >>/etc/ssl/certs/ca-certificates.crt
