package crdt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
)

const (
	// After a walk that has found holes, the missing nodes are requested again after
	// firstHoleRetry, and then at intervals that double up to lastHoleRetry. When some
	// are received, the walk is repeated.
	firstHoleRetry = 5 * time.Second
	lastHoleRetry  = 10 * time.Minute
	// checkInterval is how often a running peer checks whether a walk is needed, unless
	// crdt.repair_interval is shorter. If that is zero, only a start checks.
	checkInterval = time.Minute
	// adoptTimeout is how long it may take until adopted nodes are applied.
	adoptTimeout = 2 * time.Minute
	// mostUnapplied is how many nodes are applied one by one in one walk, when
	// others are missing.
	mostUnapplied = 64
)

// mend walks the DAG when it may have holes: after a program without the journal has used
// the datastore, and when go-ds-crdt has failed to apply a node.
func (r *Replica) mend(announcements *broadcaster) {
	rec, err := loadRecord(r.life, r.journal, r.namespace)
	if err != nil {
		logger.Errorf("the result of the last walk cannot be read: %s", err)
	}
	reason := r.reason()
	switch {
	case rec.trusted(r.options.Generation) && reason == "":
		rec.Generation = r.options.Generation.Now
		if err := rec.save(r.life, r.journal, r.namespace); err != nil {
			logger.Errorf("noting that the datastore was opened: %s", err)
		}
	case reason == "" && rec.Report.Ended.IsZero():
		reason = "it was not walked before"
	case reason == "" && !rec.Report.Whole():
		reason = "it had holes"
	case reason == "":
		reason = "another program may have used the datastore"
	}
	retry := firstHoleRetry
	for {
		var lost []cid.Cid
		if reason != "" {
			lost = r.mendOnce(announcements, reason)
		}
		reason = ""
		if len(lost) == 0 {
			retry = firstHoleRetry
			if !r.sleep(min(r.options.Config.RepairInterval, checkInterval)) {
				return
			}
			reason = r.reason()
			continue
		}
		for reason == "" {
			if !r.sleep(retry) {
				return
			}
			retry = min(2*retry, lastHoleRetry)
			if received, _ := r.fetchNodes(r.life, lost); len(received) > 0 {
				reason, retry = "missing nodes have come", firstHoleRetry
			}
		}
	}
}

// sleep waits for some time, or until the end of the process when that is zero.
func (r *Replica) sleep(d time.Duration) bool {
	var after <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-after:
		return true
	case <-r.life.Done():
		return false
	}
}

// reason returns why the DAG may have holes, by the marks of go-ds-crdt and the journal; ""
// for no reason.
func (r *Replica) reason() string {
	if dirty, err := r.journal.isDirty(r.life); err != nil || dirty {
		return "it is marked as dirty"
	}
	for _, e := range r.journal.open() {
		if e.branch && time.Since(e.since) > r.stuckAfter {
			return "a branch was not applied wholly"
		}
	}
	return ""
}

// mendOnce walks the DAG, stores and logs the report, and returns the missing nodes.
func (r *Replica) mendOnce(announcements *broadcaster, reason string) []cid.Cid {
	logger.Infof("the DAG of the pinset is walked: %s", reason)
	report, lost, err := r.walkAll(announcements)
	if r.life.Err() != nil {
		return nil
	}
	report.Reason, report.Ended = reason, time.Now().UTC().Truncate(time.Second)
	if err != nil {
		report.Failure = err.Error()
	}
	rec := record{Report: report}
	if report.Whole() {
		rec.Generation = r.options.Generation.Now
		r.set.MarkClean(r.life)
	} else {
		r.set.MarkDirty(r.life)
	}
	if err := rec.save(r.life, r.journal, r.namespace); err != nil {
		logger.Errorf("noting the result of a walk: %s", err)
	}
	say := logger.Infof
	if report.Fetched+report.Missing+report.Applied+report.Adopted > 0 || err != nil {
		say = logger.Warnf
	}
	say("the DAG of the pinset was walked: %s", report)
	return lost
}

// String describes a report in one line.
func (r Report) String() string {
	text := fmt.Sprintf("%d nodes, %d fetched that were missing, %d still missing, %d applied that were not, %d adopted that were under no head",
		r.Nodes, r.Fetched, r.Missing, r.Applied, r.Adopted)
	if len(r.Examples) > 0 {
		text += fmt.Sprintf("; no connected peer has %v", r.Examples)
	}
	if r.Failure != "" {
		text += "; it did not end: " + r.Failure
	}
	return text
}

// walkAll walks the whole DAG. It fetches missing nodes, makes heads of nodes that are below
// no head, and applies nodes that are not applied. It returns the nodes that no peer has
// sent.
func (r *Replica) walkAll(announcements *broadcaster) (report Report, lost []cid.Cid, err error) {
	w := newWalker(r)
	defer func() {
		report.Nodes, report.Fetched, report.Missing = w.nodes, w.fetched, len(lost)
		for _, c := range lost[:min(len(lost), maxExamples)] {
			report.Examples = append(report.Examples, c.String())
		}
	}()
	// First everything below the heads and unfinished branches: whatever is stored and not
	// reached from there is an orphan.
	branches := r.branches()
	if err := w.complete(r.life, append(r.heads(r.life), branches...)); err != nil {
		return report, nil, err
	}
	lost = w.takeMissing()
	if len(lost) > 0 {
		branches = nil // they may be the ones with a hole
	}
	orphans, err := w.orphans(r.life)
	if err != nil {
		return report, lost, err
	}
	if err := w.complete(r.life, orphans); err != nil {
		return report, lost, err
	}
	if missing := w.takeMissing(); len(missing) > 0 {
		lost = append(lost, missing...)
		orphans = nil // no head is announced whose ancestors no peer can send
	}
	r.set.MarkClean(r.life) // so that handled sees a failure
	// Only the tips become heads; the other orphans are their ancestors.
	tips, err := w.tips(r.life, orphans)
	if err == nil {
		err = r.adopt(announcements, append(tips, branches...))
	}
	if err != nil {
		return report, lost, err
	}
	report.Adopted = len(orphans)
	// Nodes below heads whose changes are not in the state: an older program was ended before
	// it had applied them.
	unapplied, err := w.stillUnapplied(r.life)
	if err != nil || len(unapplied) == 0 {
		return report, lost, err
	}
	report.Applied, err = r.applyAll(announcements, w, unapplied, len(lost) == 0)
	return report, lost, err
}

// branches returns the nodes whose ancestors were not all applied within stuckAfter.
func (r *Replica) branches() (all []cid.Cid) {
	for _, e := range r.journal.open() {
		if e.branch && time.Since(e.since) > r.stuckAfter {
			all = append(all, e.cid)
		}
	}
	return all
}

// applyAll applies nodes that are below heads. When nothing is missing,
// go-ds-crdt's repair does it; it would stop at a missing node. Otherwise some
// are applied one by one, and become heads. It returns how many were applied.
func (r *Replica) applyAll(announcements *broadcaster, w *walker, unapplied []cid.Cid, whole bool) (int, error) {
	var err error
	if whole {
		err = r.set.Repair(r.life)
	} else {
		err = r.adopt(announcements, unapplied[:min(len(unapplied), mostUnapplied)])
	}
	left, readErr := w.stillUnapplied(r.life)
	if err = errors.Join(err, readErr); err == nil && len(left) > 0 {
		err = fmt.Errorf("%d nodes are not applied", len(left))
	}
	return len(unapplied) - len(left), err
}

// adopt applies nodes again, which makes them heads, and waits for that.
func (r *Replica) adopt(announcements *broadcaster, nodes []cid.Cid) error {
	if len(nodes) == 0 {
		return nil
	}
	wanted := cid.NewSet()
	for _, c := range nodes {
		wanted.Add(c)
		if err := r.journal.begin(r.life, c, true); err != nil {
			return err
		}
	}
	var waiting []entry
	// The entries say when each node is a head, and survive a kill meanwhile.
	for _, e := range r.journal.open() {
		if wanted.Has(e.cid) {
			r.again(announcements, e)
			waiting = append(waiting, e)
		}
	}
	ctx, cancel := context.WithTimeout(r.life, adoptTimeout)
	defer cancel()
	for _, e := range waiting {
		select {
		case <-e.done:
		case <-ctx.Done():
			return fmt.Errorf("node %s is not applied yet", e.cid)
		}
	}
	return nil
}
