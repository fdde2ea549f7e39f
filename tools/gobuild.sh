#!/usr/bin/env bash
# Builds the program and says how far it is: the first time there are some
# hundred modules to download and more than a thousand packages to compile.
#
#   tools/gobuild.sh PACKAGE COMMAND...     the go command that builds PACKAGE
#
# On a terminal the numbers are on one line, elsewhere on a line now and then.
# When nearly everything is cached it prints nothing.
set -euo pipefail

package=$1
shift

if ! command -v go >/dev/null; then
	echo "Go $(awk '$1 == "go" { print $2 }' go.mod) is needed to build: https://go.dev/dl/" >&2
	exit 1
fi

terminal=0
[ ! -t 2 ] || terminal=1

# progress VERB THINGS TOTAL EACH HINT: counts what go reports, prints the rest.
# The hint comes once, when it is clear that there is much to do.
progress() {
	awk -v verb="$1" -v things="$2" -v total="$3" -v each="$4" -v hint="$5" -v terminal="$terminal" '
		function clear() { if (open) printf "\r%60s\r", ""; open = 0 }
		/^go: (downloading|finding|extracting) / || /^[A-Za-z0-9._~\/-]+$/ {
			if (++n == 20) print hint
			if (n < 20 || n % (terminal ? 5 : each)) next
			line = verb " " n (total ? " of " total : "") " " things
			if (terminal) { printf "\r%s", line; open = 1 } else print line
			fflush()
			next
		}
		{ clear(); print; fflush() }
		END { clear() }' >&2
}

# What is listed is downloaded. Errors of the list are those of the build.
total=$(go list -deps "$package" 2> >(progress downloaded modules "" 50 \
	"Downloading the modules that are needed: about 200, 150 MB.") | wc -l) || total=0
"$@" -v "$package" 2> >(progress compiled packages "$total" 200 \
	"Compiling: some minutes the first time, seconds later.")
# The lines about it are complete before anything else is printed.
wait
