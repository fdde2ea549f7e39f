# The Kubo of Alice, and a server that certificates come from, with the name and
# the protocol of Let's Encrypt: another Caddy, on a machine of its own.
# shellcheck shell=bash
# shellcheck source=/dev/null
. "$DOCS_SANDBOX/before/acme.sh"
# shellcheck source=/dev/null
. "$DOCS_SANDBOX/before/desktop.sh"
