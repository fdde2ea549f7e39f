package crdt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
)

const (
	// A walk that has found holes is repeated when missing nodes have come. They
	// are asked for again after firstHoleRetry, and then after twice the time, up
	// to lastHoleRetry.
	firstHoleRetry = 5 * time.Second
	lastHoleRetry  = 10 * time.Minute
	// lookEvery is how often a running peer looks for a reason to walk, unless
	// crdt.repair_interval is shorter. When that is zero, only a start looks.
	lookEvery = time.Minute
	// adoptTimeout is how long it may take until adopted nodes are applied.
	adoptTimeout = 2 * time.Minute
	// mostUnapplied is how many nodes are applied one by one in one walk, when
	// others are missing.
	mostUnapplied = 64
)

// mend walks the DAG when it may have holes: after the datastore was used by a
// program that keeps no journal, and when go-ds-crdt has failed to apply a node.
func (r *Replica) mend(heard *announced) {
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
			lost = r.mendOnce(heard, reason)
		}
		reason = ""
		if len(lost) == 0 {
			retry = firstHoleRetry
			if !r.sleep(min(r.options.Config.RepairInterval, lookEvery)) {
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
			if came, _ := r.fetchNodes(r.life, lost); len(came) > 0 {
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

// reason returns why the DAG may have holes, as far as go-ds-crdt and the journal
// know.
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

// mendOnce walks the DAG, notes what was found and returns the missing nodes.
func (r *Replica) mendOnce(heard *announced, reason string) []cid.Cid {
	logger.Infof("the DAG of the pinset is walked: %s", reason)
	report, lost, err := r.walkAll(heard)
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

// walkAll finds what is wrong with the DAG and mends what it can. It returns the
// nodes that are missing after that.
func (r *Replica) walkAll(heard *announced) (report Report, lost []cid.Cid, err error) {
	w := newWalker(r)
	defer func() {
		report.Nodes, report.Fetched, report.Missing = w.nodes, w.fetched, len(lost)
		for _, c := range lost[:min(len(lost), maxExamples)] {
			report.Examples = append(report.Examples, c.String())
		}
	}()
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
		orphans = nil // no peer shall learn of a head that nobody can deliver
	}
	r.set.MarkClean(r.life) // so that handled sees a failure
	tips, err := w.tips(r.life, orphans)
	if err == nil {
		err = r.adopt(heard, append(tips, branches...))
	}
	if err != nil {
		return report, lost, err
	}
	report.Adopted = len(orphans)
	unapplied, err := w.stillUnapplied(r.life)
	if err != nil || len(unapplied) == 0 {
		return report, lost, err
	}
	report.Applied, err = r.applyAll(heard, w, unapplied, len(lost) == 0)
	return report, lost, err
}

// branches returns the nodes of which not all ancestors were applied.
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
func (r *Replica) applyAll(heard *announced, w *walker, unapplied []cid.Cid, whole bool) (int, error) {
	var err error
	if whole {
		err = r.set.Repair(r.life)
	} else {
		err = r.adopt(heard, unapplied[:min(len(unapplied), mostUnapplied)])
	}
	left, readErr := w.stillUnapplied(r.life)
	if err = errors.Join(err, readErr); err == nil && len(left) > 0 {
		err = fmt.Errorf("%d nodes are not applied", len(left))
	}
	return len(unapplied) - len(left), err
}

// adopt has nodes applied again and made heads, and waits for that.
func (r *Replica) adopt(heard *announced, nodes []cid.Cid) error {
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
	for _, e := range r.journal.open() {
		if wanted.Has(e.cid) {
			r.again(heard, e)
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
