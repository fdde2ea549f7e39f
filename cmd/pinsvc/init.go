package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// kuboName is the name of the service in the command for Kubo that init prints.
const kuboName = "pinsvc"

// initCommand returns the command that creates the folder of a peer.
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

// defaultCreate returns the options of init and of daemon --init without flags.
func defaultCreate() folder.CreateOptions {
	return folder.CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "pebble", IPFS: settings.IPFSEmbedded}}
}

// initialise creates the folder and prints how to use the service. With a
// source URL it prints only the files: the IPFS node and the users are in a
// configuration that has not been fetched yet.
func (a *app) initialise(o folder.CreateOptions) error {
	if err := a.create(o); err != nil {
		return err
	}
	if o.Source != "" { // its node and its users are known when it is read
		return nil
	}
	fmt.Fprintf(a.out, "IPFS node:     %s\n", ipfsDescription(o.IPFS == settings.IPFSEmbedded))
	if err := a.introduce(""); err != nil {
		return err
	}
	printFolded(a.out, "Next: '%s' runs the peer.\n", a.commandLine("daemon"))
	return nil
}

// ipfsDescription describes the IPFS node of the peer.
func ipfsDescription(embedded bool) string {
	if embedded {
		return "embedded, inside this peer: nothing else has to be installed"
	}
	return "a Kubo daemon, at ipfs_connector.ipfshttp.node_multiaddress"
}

// create creates the folder and prints the names of its files. An existing
// identity is kept, even with --force: other peers know this peer by it.
func (a *app) create(o folder.CreateOptions) error {
	made, err := folder.Create(a.folder, o)
	if err != nil {
		if errors.Is(err, folder.ErrExists) {
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

// introduce prints the endpoint, the user and the command for Kubo, with a
// token. url is the address that a running daemon listens on; if it is empty,
// the configured one is used. A configuration that does not allow a token
// (several users, no users, no TCP port) is no failure of init: the reason is
// printed in its place.
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
	printFolded(a.out, "User:          %s, with the password that is in both API sections of %s\n", user, settings.Path(a.folder))
	if url == "" {
		if url, err = endpoint(cfg); err != nil {
			fmt.Fprintf(a.out, "\nThe pinning service: %v\n", err)
			return nil
		}
	}
	line := addLine(kuboName, url, token)
	printFolded(a.out, "Endpoint:      %s\n\nThis tells Kubo of the service. The token is shown only now; \"%s\" makes more.\n\n", url, a.commandLine("token"))
	fmt.Fprintf(a.out, "  %s\n\n", line) // to be copied as it is
	return nil
}
