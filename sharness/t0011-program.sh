#!/usr/bin/env bash
test_description='the program: help, version, completion, and mistakes on the command line'
. "$(dirname "$0")/lib/test-lib.sh"

# refuses PATTERN ARGS...: the command fails with one line on stderr that
# matches, and says nothing else.
refuses() {
	local pattern=$1
	shift
	test_must_fail peer none "$@" >out 2>err || return 1
	test ! -s out && test "$(wc -l <err)" = 1 && grep -E "$pattern" err && return 0
	head -n 20 out err
	return 1
}

test_expect_success 'version names the program, the library and the commit' '
	pinsvc version >out &&
	grep -i pinsvc out &&
	grep -F 1.1.6 out &&
	commit=$(git -C "$repo" rev-parse --short=7 HEAD 2>/dev/null || echo pinsvc) &&
	grep -F "$commit" out
'

test_expect_success 'help lists every command' '
	pinsvc --help >out 2>&1 &&
	for command in init daemon token state version completion; do
		grep -E "^ +$command " out || return 1
	done
'

test_expect_success 'help shows no secret of the environment' '
	CLUSTER_SECRET=c0ffee CLUSTER_PINSVCAPI_BASICAUTHCREDENTIALS=u:sesame \
		pinsvc daemon --help >out 2>&1 &&
	test_must_fail grep -E "c0ffee|sesame" out
'

for shell in bash zsh fish; do
	test_expect_success "completion for $shell" '
		pinsvc completion "$shell" >out &&
		test "$(wc -l <out)" -gt 20
	'
done

test_expect_success 'the completion for bash is one that bash takes' '
	pinsvc completion bash | bash -n
'

test_expect_success 'an unknown flag' 'refuses frobnicate daemon --frobnicate'
test_expect_success 'an unknown command' 'refuses frobnicate frobnicate'
test_expect_success 'an argument too many' 'refuses superfluous daemon superfluous'
test_expect_success 'a level of logging that does not exist' 'refuses shouting --loglevel shouting daemon'
test_expect_success 'a level for one component that does not exist' 'refuses shouting -l info,cluster:shouting daemon'
test_expect_success 'a folder that does not exist' 'refuses "$HOME/peer-none" daemon'
test_expect_success 'no command is daemon' 'refuses "$HOME/peer-none"'
test_expect_success 'token for a folder that does not exist' 'refuses "$HOME/peer-none" token'
test_expect_success 'state export of a folder that does not exist' 'refuses "$HOME/peer-none" state export'
test_expect_success 'an address to bootstrap from that is none' '
	peer none init --randomports &&
	refuses nonsense daemon --bootstrap nonsense
'

test_done
