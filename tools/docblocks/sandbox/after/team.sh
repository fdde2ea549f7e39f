# The certificate came from the stand-in for Let's Encrypt, and the log of the peer
# has the address of the client, not that of the proxy.
# shellcheck shell=bash
curl -sv https://pins.example.com/health 2>&1 | grep 'issuer: .*Caddy Local Authority'
curl -s -o /dev/null -u nobody:nothing https://pins.example.com/pins
