package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	sddaemon "github.com/coreos/go-systemd/v22/daemon"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// errForced is returned when the third signal ends a shutdown that takes too
// long.
var errForced = errors.New("ended by force before everything was stopped")

// daemonFlags are the flags of the daemon. They have the names and short forms
// of ipfs-cluster-service, so that unit files and scripts for it keep working.
type daemonFlags struct {
	bootstrap        []string
	init             bool
	allowUnknownKeys bool
	leave            bool
	stats            bool
	tracing          bool
	noTrust          bool
}

// daemonCommand returns the command that runs a peer. The root command uses its
// flags and its function, since the daemon also runs without a command.
func (a *app) daemonCommand() *cobra.Command {
	var f daemonFlags
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "Run the peer (default)",
		Long: `Run the peer that lives in the folder, until SIGINT or SIGTERM.

Requests under way are finished first. A second signal changes nothing, a third
ends the process at once. SIGHUP reads the users of the APIs again: see "pinsvc
reload".`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.daemon(c.Context(), f) },
	}
	cmd.Flags().StringSliceVarP(&f.bootstrap, "bootstrap", "j", nil, "join the cluster of these peers: `multiaddresses`, separated by commas")
	cmd.Flags().BoolVar(&f.init, "init", false, "make the folder first when it has no configuration")
	cmd.Flags().BoolVar(&f.allowUnknownKeys, "allow-unknown-keys", false, "only warn of unknown keys in our sections of the configuration")
	cmd.Flags().BoolVarP(&f.leave, "leave", "x", false, "leave the cluster when the daemon stops, and give up the pinset (as cluster.leave_on_shutdown)")
	cmd.Flags().BoolVar(&f.stats, "stats", false, "collect metrics (as observations.metrics.enable_stats)")
	cmd.Flags().BoolVar(&f.tracing, "tracing", false, "collect traces (as observations.tracing.enable_tracing)")
	cmd.Flags().BoolVar(&f.noTrust, "no-trust", false, "do not trust the peers of --bootstrap (crdt only)")
	cmd.Flags().BoolP("upgrade", "u", false, "does nothing, as in ipfs-cluster-service: there is no state to upgrade")
	cmd.Flags().BoolP("force", "f", false, "does nothing: it is for init and state")
	_ = cmd.Flags().MarkHidden("force")
	return cmd
}

// daemon validates everything that can be validated quickly, so that a mistake
// is reported before the datastore is opened, and then runs the peer.
func (a *app) daemon(ctx context.Context, f daemonFlags) error {
	o := peer.Options{
		Folder: a.folder, AllowUnknownKeys: f.allowUnknownKeys,
		NoView: viewless != "", Scanned: debug.FreeOSMemory,
		Leave: f.leave, Stats: f.stats, Tracing: f.tracing, NoTrust: f.noTrust,
	}
	var err error
	if o.Bootstrap, err = parsePeers("--bootstrap", f.bootstrap); err != nil {
		return err
	}
	if f.init && !settings.Initialised(a.folder) {
		if err := a.create(defaultCreate()); err != nil {
			return err
		}
		a.fresh = true
	}
	if err := a.check(o); err != nil {
		return err
	}
	a.levels.apply()
	return a.runUntilSignal(ctx, o)
}

// check validates the configuration with logging off: the library logs the
// mistakes that it also returns, and the user would read each of them twice.
func (a *app) check(o peer.Options) error {
	a.levels.silence()
	err := folder.Check(o.Folder, o.AllowUnknownKeys)
	if errors.Is(err, settings.ErrNoFolder) {
		return fmt.Errorf("%w, or start with 'pinsvc daemon --init'", err)
	}
	return err
}

// parsePeers parses the multiaddresses of a flag. Each has to end in a peer ID,
// because a libp2p connection to an unknown identity is not possible; a
// /dnsaddr resolves to complete addresses and may leave it out.
func parsePeers(flag string, texts []string) ([]multiaddr.Multiaddr, error) {
	var addrs []multiaddr.Multiaddr
	for _, text := range texts {
		addr, err := multiaddr.NewMultiaddr(strings.TrimSpace(text))
		if err == nil && addr.Protocols()[0].Code != multiaddr.P_DNSADDR { // those resolve to whole ones
			_, err = libp2p.AddrInfoFromP2pAddr(addr)
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", flag, text, err)
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// runUntilSignal runs the peer and handles signals. The first SIGINT or SIGTERM
// starts a graceful shutdown. The second one only warns: service managers and
// impatient users send several, and an interrupted shutdown can lose the writes
// that it was about to flush. The third one ends the process.
func (a *app) runUntilSignal(ctx context.Context, o peer.Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	reloads := make(chan os.Signal, 1) // one that waits stands for all
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)

	ended := make(chan error, 1)
	go func() { ended <- a.runPeer(ctx, o, reloads) }()
	for count := 1; ; count++ {
		select {
		case err := <-ended:
			return err
		case <-signals:
		}
		switch count {
		case 1:
			stop()
		case 2:
			fmt.Fprintln(a.err, "Still stopping. Another signal ends the process at once, which may lose what is being written.")
		default:
			return errForced
		}
	}
}

// runPeer starts the peer, runs it until ctx ends or the peer fails, and shuts
// it down. A SIGHUP that arrives during the start is handled after it.
func (a *app) runPeer(ctx context.Context, o peer.Options, reloads <-chan os.Signal) error {
	tuning, end := context.WithCancel(context.WithoutCancel(ctx))
	var tuned sync.WaitGroup
	tuned.Go(func() { tuneGC(tuning) })
	defer tuned.Wait()
	defer end()
	p, err := peer.Start(ctx, o)
	if err != nil {
		if ctx.Err() != nil { // stopped while it started
			return nil
		}
		return err
	}
	ready := p.Ready()
	for going := true; going; {
		select {
		case <-ready:
			ready = nil // said once
			a.announceReady(p)
			notify(sddaemon.SdNotifyReady)
			defer a.showProgress(p)()
		case <-reloads:
			_ = p.Reload() // it logs what is wrong
		case <-p.Done():
			going = false
		case <-ctx.Done():
			fmt.Fprintln(a.out, "Stopping: requests under way are finished first.")
			going = false
		}
	}
	notify(sddaemon.SdNotifyStopping)
	why := p.Err()
	return errors.Join(why, p.Shutdown(context.WithoutCancel(ctx)))
}

// announceReady prints the addresses of the peer and, if the folder has just
// been created, how to use the service: after daemon --init nothing else shows
// the first token.
func (a *app) announceReady(p *peer.Peer) {
	printFolded(a.out, "%s\n", readyLine(p))
	if !a.fresh {
		if isTerminal(a.out) {
			printFolded(a.out, "Next: '%s' shows how the peer is; control-C stops it.\n", a.commandLine("status"))
		}
		return
	}
	fmt.Fprintf(a.out, "IPFS node:     %s\n", ipfsDescription(p.Embedded()))
	if err := a.introduce(serviceURL(p)); err != nil {
		fmt.Fprintf(a.out, "The pinning service: %v\n", err)
	}
}

// serviceURL returns the URL of the Pinning Service API for clients on this
// machine, or "" if the peer does not have that API.
func serviceURL(p *peer.Peer) string {
	for _, a := range p.Addresses() {
		if a.Section == "api.pinsvcapi" && len(a.URLs) > 0 {
			return a.URLs[0]
		}
	}
	return ""
}

// readyLine returns one line with all addresses of the peer, for scripts that
// wait for it.
func readyLine(p *peer.Peer) string {
	var parts []string
	for _, a := range p.Addresses() {
		parts = append(parts, fmt.Sprintf("%s %s", a.Section, strings.Join(a.URLs, " ")))
	}
	return "Ready: " + strings.Join(parts, ", ")
}

// notify reports a state to systemd. Without systemd it does nothing, and an
// error has no consequence: systemd then applies its start timeout.
func notify(state string) {
	_, _ = sddaemon.SdNotify(false, state)
}

// untilSignal returns a context that the first signal cancels, for commands
// that clean up when they are interrupted. After stop, the next signal ends the
// process as usual.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
}
