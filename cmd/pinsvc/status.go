package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// statusFlags are the flags of status.
type statusFlags struct {
	json bool
	last int
}

// statusCommand returns the command that prints the state of the running peer.
func (a *app) statusCommand() *cobra.Command {
	f := statusFlags{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print how the running peer and its pins are",
		Long: `Print the peer that runs on the folder, its peers, the pinset by status, the
pins that wait longest and the last failures with their reasons.

It asks the peer's own APIs, api.pinsvcapi for the pinset and api.restapi for
the rest, as one of their users. Peers that are down are named with the time
when they were last seen: a Raft peer until it is removed from the cluster, a
CRDT peer for seven days.

It exits with 0 when the peer answers, whatever the answer is.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.status(c.Context(), f) },
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print it as JSON")
	cmd.Flags().IntVar(&f.last, "last", 5, "`how many` queued pins and failures to name")
	return cmd
}

// status collects the report from the APIs of the peer and from its folder,
// which remembers the peers that are down, and prints it.
func (a *app) status(ctx context.Context, f statusFlags) error {
	if f.last < 0 {
		return errors.New("--last must not be negative")
	}
	s, err := settings.Load(a.folder, true)
	if err != nil {
		return err
	}
	defer s.Close()
	apis := apisOf(a.folder, s)
	r, err := apis.collect(ctx, f.last)
	if err != nil {
		return err
	}
	if known, err := folder.ReadKnownPeers(a.folder); err != nil {
		r.Missing = append(r.Missing, fmt.Sprintf("peers that are down: %v", err))
	} else {
		r.addKnown(known, time.Now())
	}
	if f.json {
		return writeJSON(a.out, r)
	}
	r.print(a.out)
	return nil
}

// ownAPIs are clients of the two APIs of the running peer, or the reasons why
// there is none. Each is optional: a report with a part missing is better than
// none, and says what is missing.
type ownAPIs struct {
	service, rest     *ownPeer
	noService, noRest error
}

// apisOf returns the clients for the APIs in the settings of a folder.
func apisOf(folder string, s *settings.Settings) (w ownAPIs) {
	open := func(section string, cfg common.Config, enabled bool) (*ownPeer, error) {
		if !enabled {
			return nil, fmt.Errorf("there is no section %s", section)
		}
		return newOwnPeer(folder, section, cfg)
	}
	service, enabled := s.PinningService()
	w.service, w.noService = open("api.pinsvcapi", service.Config, enabled)
	rest, enabled := s.RestAPI()
	w.rest, w.noRest = open("api.restapi", rest.Config, enabled)
	return w
}
