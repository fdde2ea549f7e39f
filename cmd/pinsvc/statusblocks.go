package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/ipfs-cluster/pinsvc/restapi"
)

// readBlocks requests the state of the blocks of an embedded IPFS node. A 404
// means that the IPFS node is a Kubo, which checks nothing of that kind.
func (r *report) readBlocks(ctx context.Context, rest *ownPeer) error {
	var health restapi.BlockHealth
	err := rest.get(ctx, "/ipfs/verify", value(&health))
	var answer *answerError
	if errors.As(err, &answer) && answer.status == http.StatusNotFound {
		return nil // a Kubo
	}
	if err == nil {
		r.Blocks = &health
	}
	return err
}

// printBlocks prints the state of the blocks. Pins that lack a block are
// fetched again, so they need time; pins with a refused block need the
// operator, so they are a group of their own.
func printBlocks(out io.Writer, h *restapi.BlockHealth) {
	printFolded(out, "\nBlocks on disk\n%s\n", checkSummary(h))
	if h.Damaged > 0 || h.Found > 0 {
		printFolded(out, "DAMAGED: %s now; %s found and %s fetched again since the start\n", grouped(h.Damaged), grouped(h.Found), grouped(h.Healed))
	}
	if len(h.GCBlocked) > 0 {
		why := "Nothing is collected as garbage because of these pins, which lack blocks"
		if h.Full {
			why = "THE STORAGE IS FULL, and nothing is collected as garbage because of these pins, which lack blocks"
		}
		printLacks(out, why, h.GCBlocked, len(h.GCBlocked))
	}
	if h.IncompletePins > 0 {
		printLacks(out, "Pins that lack blocks and are fetched again", h.Incomplete, h.IncompletePins)
	}
	if h.RefusedPins > 0 {
		printLacks(out, "Pins with a block that its codec refuses, not tried again ('pinsvc verify' says why)", h.Refused, h.RefusedPins)
	}
}

// checkSummary describes how much has been checked, and how far the background
// check is.
func checkSummary(h *restapi.BlockHealth) string {
	text := fmt.Sprintf("Checked since the start: %s, %s", counted(h.CheckedBlocks, "block"), humanize.IBytes(h.CheckedBytes))
	if h.Queued > 0 {
		text += fmt.Sprintf("; waiting for a check: %s", counted(h.Queued, "pin"))
	}
	text += "\nSlow check: "
	switch {
	case h.Rate == 0:
		return text + "off (ipfs_connector.embedded.verify_rate)"
	case h.Began != nil && (h.Ended == nil || h.Began.After(*h.Ended)):
		text += fmt.Sprintf("%.0f %% of all blocks, at %s a second", 100*h.Share, humanize.Bytes(h.Rate))
	default:
		text += "waits for the next pass"
	}
	if h.Ended != nil {
		text += ", last complete " + h.Ended.UTC().Format(time.RFC3339)
	}
	return text
}

// printLacks prints pins with the block that each lacks or that is refused. The
// peer names a limited number of them; all is how many there are.
func printLacks(out io.Writer, title string, lacks []restapi.LackLine, all int) {
	var rows []table.Row
	for _, l := range lacks {
		rows = append(rows, table.Row{l.Pin, l.Block})
	}
	printTable(out, title, table.Row{"Pin", "Block"}, rows)
	if more := all - len(lacks); more > 0 {
		fmt.Fprintf(out, "and %s more\n", grouped(more))
	}
}
