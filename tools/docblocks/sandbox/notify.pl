# perl notify.pl STATE COMMAND...: starts a service in the background, with its
# process ID in STATE.pid and its output in STATE.log, and ends when it is ready:
# at once, or with DOCS_TYPE=notify when it has sent READY=1 to the socket
# STATE.socket. The exit code is 1 when it ended before, or took two minutes.
use strict;
use warnings;
use IO::Socket::UNIX;
use POSIX ":sys_wait_h";

my ($state, @command) = @ARGV;
unlink "$state.socket";
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$state.socket") or die "$state.socket: $!";
chmod 0777, "$state.socket";

my $pid = fork() // die "fork: $!";
if ($pid == 0) {
	open STDIN, "<", "/dev/null";
	open STDOUT, ">>", "$state.log" or die "$state.log: $!";
	open STDERR, ">&", \*STDOUT;
	setpgrp;
	exec @command or die "$command[0]: $!";
}
open my $file, ">", "$state.pid" or die "$state.pid: $!";
print $file "$pid\n";
close $file;
exit 0 if $ENV{DOCS_TYPE} ne "notify";

my $end = time + 120;
while (time < $end) {
	my ($readable, $message) = ("", "");
	vec($readable, fileno($socket), 1) = 1;
	if (select($readable, undef, undef, 0.2)) {
		$socket->recv($message, 4096);
		exit 0 if $message =~ /^READY=1$/m;
	}
	exit 1 if waitpid($pid, WNOHANG) == $pid;
}
exit 1;
