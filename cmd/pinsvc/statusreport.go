package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/ipfs-cluster/pinsvc/restapi"
)

// report is the content of pinsvc status. Its JSON is for programs: fields are
// added, and never removed or renamed.
type report struct {
	Peer    peerLine `json:"peer"`
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why it is not ready
	// Warnings are what to know about a peer that may be ready.
	Warnings []string       `json:"warnings,omitempty"`
	Peers    []peerLine     `json:"peers"` // the others
	Pins     map[string]int `json:"pins"`  // by pin status
	Queued   []pinLine      `json:"oldest_queued"`
	Failed   []pinLine      `json:"last_failed"`
	// Blocks is how the blocks of an embedded IPFS node are; nil with a Kubo.
	Blocks *restapi.BlockHealth `json:"blocks,omitempty"`
	// Missing says what is not in here, and why.
	Missing []string `json:"missing"`
}

// peerLine is one peer of the cluster.
type peerLine struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	IPFS    string `json:"ipfs"` // its IPFS node's ID, or why there is none
	Error   string `json:"error"`
	// DownSince is when a peer that is down was last seen, LastSeen the same for
	// one that need not be down.
	DownSince *time.Time `json:"down_since,omitempty"`
	LastSeen  *time.Time `json:"last_seen,omitempty"`
}

// pinLine is one pin at one peer, queued or failed there.
type pinLine struct {
	CID      string    `json:"cid"`
	Name     string    `json:"name"`
	Peer     string    `json:"peer"`
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
}

// collect requests everything for a report, with at most last pins of each
// kind. It fails only if neither API answers.
func (w ownAPIs) collect(ctx context.Context, last int) (report, error) {
	r := report{Reasons: []string{}, Peers: []peerLine{}, Pins: map[string]int{}, Queued: []pinLine{}, Failed: []pinLine{}, Missing: []string{}}
	serviceErr, restErr := w.noService, w.noRest
	if serviceErr == nil {
		serviceErr = r.readService(ctx, w.service)
	}
	if restErr == nil {
		restErr = r.readREST(ctx, w.rest, last)
	}
	if serviceErr != nil && restErr != nil {
		return r, fmt.Errorf("nobody can be asked: %w; %w", serviceErr, restErr)
	}
	if serviceErr != nil {
		r.Missing = append(r.Missing, fmt.Sprintf("the pinset by status: %v", serviceErr))
	}
	if restErr != nil {
		r.Missing = append(r.Missing, fmt.Sprintf("peers, queued and failed pins: %v", restErr))
	}
	return r, nil
}

// readService counts the pins of the cluster by status, at the Pinning Service
// API: the count of a page is exact, so one page with one pin for each status
// is enough.
func (r *report) readService(ctx context.Context, service *ownPeer) error {
	if err := r.readReadiness(ctx, service); err != nil {
		return err
	}
	for _, status := range []string{"pinned", "pinning", "queued", "failed"} {
		var page struct{ Count int }
		if err := service.get(ctx, "/pins?limit=1&status="+status, value(&page)); err != nil {
			return err
		}
		r.Pins[status] = page.Count
	}
	return nil
}

// readReadiness requests /ready, which both APIs have. A 503 is an answer, too:
// it has the reasons.
func (r *report) readReadiness(ctx context.Context, p *ownPeer) error {
	var ready struct {
		Ready             bool
		Reasons, Warnings []string
	}
	if err := p.get(ctx, "/ready", value(&ready), http.StatusServiceUnavailable); err != nil {
		return err
	}
	r.Ready, r.Reasons, r.Warnings = ready.Ready, ready.Reasons, ready.Warnings
	return nil
}

// readREST requests the peers, and the pins that are queued or failed at each
// of them, from the cluster REST API. These two statuses are served from the
// memory of the trackers, so the request is cheap in a large cluster.
func (r *report) readREST(ctx context.Context, rest *ownPeer, last int) error {
	if err := r.readReadiness(ctx, rest); err != nil {
		return err
	}
	var own api.ID
	if err := rest.get(ctx, "/id", value(&own)); err != nil {
		return err
	}
	r.Peer = lineOf(own)
	err := rest.get(ctx, "/peers", lines(func(id api.ID) {
		if id.ID != own.ID {
			r.Peers = append(r.Peers, lineOf(id))
		}
	}))
	if err != nil {
		return err
	}
	filter := url.QueryEscape((api.TrackerStatusPinQueued | api.TrackerStatusPinError).String())
	err = rest.get(ctx, "/pins?filter="+filter, lines(func(info api.GlobalPinInfo) { r.addPin(info, last) }), http.StatusNoContent)
	slices.SortFunc(r.Peers, func(a, b peerLine) int { return cmp.Compare(a.Name+a.ID, b.Name+b.ID) })
	if err != nil {
		return err
	}
	return r.readBlocks(ctx, rest)
}

// addPin adds what one pin is at each peer: the pins that have waited longest
// and those that failed last are kept. The list is a stream that can be long,
// so it is cut to last lines all the time.
func (r *report) addPin(info api.GlobalPinInfo, last int) {
	for _, id := range slices.Sorted(maps.Keys(info.PeerMap)) {
		at := info.PeerMap[id]
		line := pinLine{
			CID: info.Cid.String(), Name: info.Name, Peer: cmp.Or(at.PeerName, id),
			Since: at.TS, Attempts: at.AttemptCount, Error: at.Error,
		}
		switch at.Status {
		case api.TrackerStatusPinQueued:
			r.Queued = topK(append(r.Queued, line), last, func(a, b pinLine) int { return a.Since.Compare(b.Since) })
		case api.TrackerStatusPinError:
			r.Failed = topK(append(r.Failed, line), last, func(a, b pinLine) int { return b.Since.Compare(a.Since) })
		}
	}
}

// topK returns the first n lines in the given order.
func topK(all []pinLine, n int, order func(a, b pinLine) int) []pinLine {
	slices.SortStableFunc(all, order)
	return all[:min(n, len(all))]
}

// lineOf converts a peer of the library's API. An error of its IPFS node takes
// the place of the node's ID.
func lineOf(id api.ID) peerLine {
	line := peerLine{ID: id.ID.String(), Name: id.Peername, Version: id.Version, Error: id.Error}
	if id.IPFS.Error != "" {
		line.IPFS = id.IPFS.Error
	} else if id.IPFS.ID != "" {
		line.IPFS = id.IPFS.ID.String()
	}
	return line
}

// print prints the report for people. Names, versions and errors come from
// other peers and are escaped.
func (r *report) print(out io.Writer) {
	ready := "ready"
	if !r.Ready {
		ready = "NOT ready: " + printable(strings.Join(r.Reasons, ", "))
	}
	if r.Peer.ID != "" {
		printFolded(out, "Peer %s (%s), %s\nIPFS node: %s\n", printable(r.Peer.Name), r.Peer.ID, ready, printable(cmp.Or(r.Peer.IPFS, "none")))
	} else {
		printFolded(out, "Peer: %s\n", ready)
	}
	for _, w := range r.Warnings {
		printFolded(out, "Warning: %s\n", printable(w))
	}
	for _, m := range r.Missing {
		printFolded(out, "Not known: %s\n", printable(m))
	}
	if len(r.Peers) > 0 {
		var rows []table.Row
		for _, p := range r.Peers {
			rows = append(rows, table.Row{printable(p.Name), p.ID, printable(p.Version), printable(cmp.Or(p.Error, "ok"))})
		}
		printTable(out, "Other peers", table.Row{"Name", "ID", "Version", "State"}, rows)
	}
	if len(r.Pins) > 0 {
		printTable(out, "Pins", table.Row{"Pinned", "Pinning", "Queued", "Failed"},
			[]table.Row{{r.Pins["pinned"], r.Pins["pinning"], r.Pins["queued"], r.Pins["failed"]}})
	}
	printPins(out, "Queued for longest", r.Queued)
	printPins(out, "Failed last", r.Failed)
	if r.Blocks != nil {
		printBlocks(out, r.Blocks)
	}
}

// printPins prints pins with the peer that they wait or failed at, or nothing
// if there are none.
func printPins(out io.Writer, title string, pins []pinLine) {
	if len(pins) == 0 {
		return
	}
	var rows []table.Row
	for _, p := range pins {
		rows = append(rows, table.Row{p.CID, printable(p.Name), printable(p.Peer), p.Since.UTC().Format(time.RFC3339), p.Attempts, printable(p.Error)})
	}
	printTable(out, title, table.Row{"CID", "Name", "Peer", "Since", "Attempts", "Reason"}, rows)
}
