// Command pinsvc runs an IPFS Cluster peer with an IPFS Pinning Service API: see
// `pinsvc --help`.
//
// The way through the package: main calls run (root.go), which passes the
// arguments to a command. Each command has a file: init.go, daemon.go, reload.go,
// status.go, verify.go, token.go, passwd.go, state.go, version.go. Flags of
// ipfs-cluster-service that are written in another way are translated before
// (legacyflags.go).
//
// Commands that need the running peer are clients of its APIs (ownpeer.go): the
// report of status (statusreport.go, statusknown.go, statusblocks.go) and verify.
// All other commands work on the folder, through package peer, which has
// everything that is not about a command line.
//
// Output for people is folded to the terminal (terminal.go), text of other people
// is escaped (printable.go), and numbers have their noun (counted.go). Progress is
// shown by progress.go and importprogress.go. Log levels are in logging.go, and
// the core of all loggers in logsafe.go and logrepeat.go.
package main

import (
	"context"
	"os"

	"github.com/ipfs-cluster/pinsvc/peer"
)

// Both are set when the program is linked, by the Makefile: the commit, and the
// tag of a release, or the last one and how many commits are after it.
var commit, release string

// viewless, when the linker sets it, makes a peer whose lists scan: the benchmark
// measures the cost of the view against it (bench -viewless).
var viewless string

func main() {
	escapeLogs()
	keepConnections()
	peer.Prepare()
	os.Exit(run(context.Background(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}
