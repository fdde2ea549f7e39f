// Command pinsvc runs an IPFS Cluster peer whose front door is an IPFS Pinning
// Service: see `pinsvc --help`.
//
// The way through the package: main calls run, which hands the arguments to
// the commands of root.go. Each command is a file: init.go, daemon.go,
// reload.go, token.go, passwd.go, state.go, version.go. What the daemon
// tells of fetches is in progress.go. What a peer is made of, and what is in its
// folder, is package peer.
package main

import (
	"context"
	"os"

	"github.com/ipfs-cluster/pinsvc/peer"
)

// Both are set when the program is linked, by the Makefile: the commit, and the tag
// of a release, or the last one and how many commits are after it.
var commit, release string

func main() {
	escapeLogs()
	keepConnections()
	peer.SwitchTracer()
	os.Exit(run(context.Background(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}
