# A peer and a Kubo that run.
# shellcheck shell=bash
# shellcheck source=/dev/null
. "$DOCS_SANDBOX/before/peer.sh"
# shellcheck source=/dev/null
. "$DOCS_SANDBOX/before/desktop.sh"
