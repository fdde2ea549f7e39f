# The certificate came from the stand-in for Let's Encrypt, and the audit log has
# the address of the client, not that of the proxy.
# shellcheck shell=bash
curl -sv https://pins.example.com/health 2>&1 | grep 'issuer: .*Caddy Local Authority'
grep -F '"user": "alice"' /run/docs/pinsvc.log | grep -F '"from": "10.99.0.1"'
