# shellcheck shell=bash
#
# Processes in the background: each has a name, a log in ~/logs, and an end.

declare -A pids

# eventually SECONDS COMMAND...: succeeds as soon as the command does. It is the
# only way in which a test waits for something.
eventually() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "gave up waiting for: $*" >&2
			"$@"
			return 1
		fi
		sleep 0.2
	done
}

# start NAME COMMAND...: runs it in the background. Sharness's own descriptors
# are closed, for nobody shall wait for a daemon to close them.
start() {
	local name=$1
	shift
	"$@" </dev/null >>"$HOME/logs/$name" 2>&1 3>&- 4>&- 5>&- 6<&- &
	pids[$name]=$!
}

# alive NAME: whether the process runs.
alive() {
	[ -n "${pids[$1]:-}" ] && kill -0 "${pids[$1]}" 2>/dev/null
}

gone() {
	! alive "$1"
}

# stop NAME [SIGNAL]: asks the process to end, and answers with its exit code.
# One that does not end within 30 seconds has to write down what its goroutines
# do (exit code 2), or is killed (137).
stop() {
	local name=$1 pid=${pids[$1]:-}
	[ -n "$pid" ] || return 0
	kill -s "${2:-TERM}" "$pid" 2>/dev/null
	if ! eventually 30 gone "$name"; then
		kill -s QUIT "$pid"
		eventually 10 gone "$name" || kill -s KILL "$pid"
	fi
	unset "pids[$name]"
	wait "$pid"
}

# stop_all leaves nothing running.
stop_all() {
	local name
	for name in "${!pids[@]}"; do
		stop "$name"
	done
	return 0
}
