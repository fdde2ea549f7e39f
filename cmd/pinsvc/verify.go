package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/peer/verify"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// errBadBlocks is returned when blocks are still damaged or missing at the end.
var errBadBlocks = errors.New("blocks are damaged or missing")

// verifyCommand returns the command that compares blocks with their hashes.
func (a *app) verifyCommand() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "verify [CID]",
		Short: "Compare the blocks of all pins, or of one, with their hashes",
		Long: `Read the blocks of all pins, or of one, from the disk of this peer's embedded
IPFS node and compare them with their hashes. Damaged and missing blocks are
printed, a line each, and the exit code is 1 when there are any. Of a sharded
pin the cluster DAG and the shards of this peer are read, and the shards that
only other peers have are named.

While the daemon runs it does the work, and fetches bad blocks again from other
peers or from the pins' origins, as it always does when it meets one; --repair
waits until the pins are complete. When no daemon runs, the folder is read, and
nothing is changed without --repair, which notes the pins with bad blocks, so
that the daemon fetches these blocks when it starts.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			pin := cid.Undef
			if len(args) == 1 {
				var err error
				if pin, err = cid.Decode(args[0]); err != nil {
					return fmt.Errorf("%q is not a CID: %w", args[0], err)
				}
			}
			return a.verify(c.Context(), pin, repair)
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "have bad blocks fetched again, and wait for that")
	return cmd
}

// verify reads the folder, or, if a daemon has locked it, has the daemon do the
// same work: nobody else may open the datastores.
func (a *app) verify(ctx context.Context, pin cid.Cid, repair bool) error {
	v := verifyOutput{app: a, repair: repair, began: time.Now(), interval: firstInterval}
	err := verify.Folder(ctx, a.folder, verify.Options{CID: pin, Repair: repair}, func(f restapi.Verified) error {
		v.show(f)
		return nil
	})
	if errors.Is(err, folder.ErrLocked) {
		v.daemon = true
		err = a.verifyRunning(ctx, pin, repair, &v)
	}
	if err != nil {
		return err
	}
	return v.end()
}

// verifyRunning has the running daemon verify, and prints its results as they
// arrive. A stream that ends without its last line comes from a daemon that was
// stopped.
func (a *app) verifyRunning(ctx context.Context, pin cid.Cid, repair bool, v *verifyOutput) error {
	s, err := settings.Load(a.folder, true)
	if err != nil {
		return err
	}
	defer s.Close()
	if kind, err := s.IPFS(); err != nil {
		return err
	} else if kind != "embedded" {
		return verify.ErrNoEmbedded
	}
	apis := apisOf(a.folder, s)
	if apis.noRest != nil {
		return fmt.Errorf("the running daemon is asked through api.restapi: %w", apis.noRest)
	}
	query := url.Values{}
	if pin.Defined() {
		query.Set("cid", pin.String())
	}
	if repair {
		query.Set("repair", "true")
	}
	if err := apis.rest.stream(ctx, "/ipfs/verify?"+query.Encode(), lines(v.show)); err != nil {
		return err
	}
	if !v.last.Done {
		return errors.New("the daemon has stopped in the middle")
	}
	return nil
}

// verifyOutput prints the results of a verification.
type verifyOutput struct {
	*app
	repair, daemon bool
	last           restapi.Verified
	began, line    time.Time // line is when the last was printed
	interval       time.Duration
}

// show prints a bad block on standard output, one line each for other programs,
// and the progress on the error stream, at increasing intervals.
func (v *verifyOutput) show(f restapi.Verified) {
	v.last = f
	if b := f.Bad; b != nil {
		how := "missing"
		if b.Damaged {
			how = "damaged"
		}
		why := ""
		if b.Refused != "" {
			how, why = "unreadable", ": "+b.Refused
		}
		fmt.Fprintf(v.out, "%s %s of pin %s%s\n", how, b.Block, b.Pin, why)
	}
	if l := f.Lack; l != nil {
		fmt.Fprintf(v.out, "incomplete pin %s: %s\n", l.Pin, l.Why)
	}
	if e := f.Elsewhere; e != nil {
		fmt.Fprintf(v.out, "%s is on other peers only: %s\n", e.Pin, strings.Join(e.Peers, ", "))
	}
	if v.line.IsZero() {
		v.line = v.began
	}
	if time.Since(v.line) >= v.interval {
		v.line, v.interval = time.Now(), min(2*v.interval, maxInterval)
		fmt.Fprintln(v.err, v.summary())
	}
}

// summary returns "12 of 30 pins, 1,234 blocks, 3.1 GiB read in 5s: no bad
// block".
func (v *verifyOutput) summary() string {
	f := v.last
	text := fmt.Sprintf("%s of %s, %s, %s read in %s: ", grouped(f.Pins), counted(f.AllPins, "pin"),
		counted(f.Blocks, "block"), humanize.IBytes(f.Bytes), time.Since(v.began).Round(time.Second))
	if f.BadBlocks == 0 {
		return text + "no bad block"
	}
	text += counted(f.BadBlocks, "bad block") + " in " + counted(f.BadPins, "pin")
	if v.repair && v.daemon {
		text += ", " + grouped(f.Repaired) + " repaired"
	}
	return text
}

// end prints the summary and returns the result of the command. The error says
// what happens to the bad blocks without further action, and what the user can
// do.
func (v *verifyOutput) end() error {
	fmt.Fprintln(v.out, v.summary())
	bad := v.last.BadPins
	switch {
	case bad == 0, v.daemon && v.repair && v.last.Repaired == bad:
		return nil
	case v.daemon && v.repair:
		return fmt.Errorf("%w, and could not be had: 'pinsvc status' says why; send the pins again with origins that have the content", errBadBlocks)
	case v.daemon:
		return fmt.Errorf("%w: the daemon fetches them again; --repair waits for that", errBadBlocks)
	case v.repair:
		return fmt.Errorf("%w: the daemon fetches them again when it starts", errBadBlocks)
	}
	return fmt.Errorf("%w: --repair has them fetched again when the daemon starts", errBadBlocks)
}
