package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

// initFlags are the flags of init about the cluster that the new peer will
// join.
type initFlags struct {
	peers        []string
	customSecret bool
}

// register defines the flags, with the names of ipfs-cluster-service.
func (f *initFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.peers, "peers", nil, "peers to start with: `multiaddresses`, separated by commas. They are known, and the only ones that are trusted (crdt) or in the first peerset (raft)")
	cmd.Flags().BoolVarP(&f.customSecret, "custom-secret", "s", false, "ask for the secret of the cluster, or read it from standard input")
}

// complete adds the flags and the argument of init to the options. The secret
// is read from standard input and is no flag, because other users of the
// machine can see the arguments of a process.
func (a *app) complete(o *folder.CreateOptions, f initFlags, args []string) (err error) {
	if len(args) == 1 {
		o.Source = args[0]
	}
	if o.Peers, err = parsePeers("--peers", f.peers); err != nil {
		return err
	}
	if !f.customSecret || o.Source != "" { // the secret is at the source
		return nil
	}
	fmt.Fprint(a.err, "Enter the cluster secret (64 hexadecimal digits): ")
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	if o.Secret = strings.TrimSpace(line); o.Secret == "" {
		return errors.New("--custom-secret: there was none")
	}
	return nil
}
