package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer"
)

// initFlags are those about the cluster that the new peer is to be part of.
type initFlags struct {
	peers        []string
	customSecret bool
}

func (f *initFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.peers, "peers", nil, "peers to start with: `multiaddresses`, separated by commas. They are known, and the only ones that are trusted (crdt) or in the first peerset (raft)")
	cmd.Flags().BoolVarP(&f.customSecret, "custom-secret", "s", false, "ask for the secret of the cluster, or read it from standard input")
}

// complete adds to the options what the flags and the argument say.
func (a *app) complete(o *peer.CreateOptions, f initFlags, args []string) (err error) {
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
