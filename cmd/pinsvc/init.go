package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer"
)

// kuboName is what init calls the service in the line for Kubo.
const kuboName = "pinsvc"

func (a *app) initCommand() *cobra.Command {
	o := defaultCreate()
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [SOURCE-URL]",
		Short: "Make the folder of a new peer",
		Long: `Make a configuration and an identity, with a user for the APIs.

The CLUSTER_* environment variables are applied to the configuration. With -f a
configuration is replaced, and the old one kept beside it; an identity never is.

With SOURCE-URL the configuration is only that URL, and the daemon reads what is
there (over HTTP or HTTPS) each time it starts.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := a.complete(&o, f, args); err != nil {
				return fmt.Errorf("init: %w", err)
			}
			return a.initialise(o)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&o.Consensus, "consensus", o.Consensus, "`component` that keeps the pinset: crdt or raft")
	cmd.Flags().StringVar(&o.Datastore, "datastore", o.Datastore, "`component` that stores it (crdt only): pebble, badger3, leveldb or badger")
	cmd.Flags().StringVar(&o.IPFS, "ipfs", o.IPFS, "the IPFS `node`: embedded (inside the peer) or kubo (a daemon that you run)")
	cmd.Flags().BoolVar(&o.RandomPorts, "randomports", false, "listen on ports that are free now")
	cmd.Flags().BoolVarP(&o.Overwrite, "force", "f", false, "replace an existing configuration")
	return cmd
}

func defaultCreate() peer.CreateOptions {
	return peer.CreateOptions{Consensus: "crdt", Datastore: "pebble", IPFS: peer.IPFSEmbedded}
}

// initialise makes the folder and says, once, how to use the service.
func (a *app) initialise(o peer.CreateOptions) error {
	if err := a.create(o); err != nil {
		return err
	}
	if o.Source != "" { // its node and its users are known when it is read
		return nil
	}
	fmt.Fprintf(a.out, "IPFS node:     %s\n", ipfsWords(o.IPFS == peer.IPFSEmbedded))
	if err := a.introduce(""); err != nil {
		return err
	}
	say(a.out, "Next: '%s' runs the peer.\n", a.commandLine("daemon"))
	return nil
}

// ipfsWords say where the IPFS node is.
func ipfsWords(embedded bool) string {
	if embedded {
		return "embedded, inside this peer: nothing else has to be installed"
	}
	return "a Kubo daemon, at ipfs_connector.ipfshttp.node_multiaddress"
}

// create makes the folder and names the files.
func (a *app) create(o peer.CreateOptions) error {
	made, err := peer.Create(a.folder, o)
	if err != nil {
		if errors.Is(err, peer.ErrExists) {
			err = fmt.Errorf("%w: with -f it is replaced and kept beside the new one", err)
		}
		return fmt.Errorf("init: %w", err)
	}
	fmt.Fprintf(a.out, "Configuration: %s\n", made.Settings)
	if made.Backup != "" {
		fmt.Fprintf(a.out, "The old one:   %s\n", made.Backup)
	}
	kept := ""
	if !made.NewIdentity {
		kept = " (kept)"
	}
	fmt.Fprintf(a.out, "Identity:      %s%s\n", made.Identity, kept)
	return nil
}

// introduce prints the endpoint, the user and the line for Kubo. The URL is the
// one that a running daemon has bound; without it, the one that is configured.
func (a *app) introduce(url string) error {
	cfg, err := loadService(a.folder)
	if err != nil {
		return err
	}
	user, err := chooseUser(cfg.BasicAuthCredentials, "")
	if err != nil { // by the environment: several users, or none
		fmt.Fprintf(a.out, "\nThe pinning service: %v\n", err)
		return nil
	}
	token, err := issue(cfg, user, 0)
	if err != nil {
		return err
	}
	say(a.out, "User:          %s, with the password that is in both API sections of %s\n", user, peer.SettingsPath(a.folder))
	if url == "" {
		if url, err = endpoint(cfg); err != nil {
			fmt.Fprintf(a.out, "\nThe pinning service: %v\n", err)
			return nil
		}
	}
	line := addLine(kuboName, url, token)
	say(a.out, "Endpoint:      %s\n\nThis tells Kubo of the service. The token is shown only now; \"%s\" makes more.\n\n", url, a.commandLine("token"))
	fmt.Fprintf(a.out, "  %s\n\n", line) // to be copied as it is
	return nil
}
