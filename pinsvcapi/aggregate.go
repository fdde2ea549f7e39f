package pinsvcapi

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// tally counts peers by their state.
func tally(peers []pinset.PeerStatus) (n pinset.Tally) {
	for _, p := range peers {
		n[p.State]++
	}
	return n
}

// Keys of PinStatus.info, from the specification.
const (
	infoDetails = "status_details"
	infoUntil   = "pinned_until"
)

// describe returns the pin's info for people, or nil when there is nothing to
// say: a pin that all of its peers hold needs no words.
func describe(p pinset.Pin, s pinset.Status, peers []pinset.PeerStatus) map[string]string {
	var words []string
	n := tally(peers)
	switch {
	case n[pinset.StatePinned] > 0 && n[pinset.StatePinned] < len(peers):
		words = append(words, fmt.Sprintf("pinned on %d of %d peers", n[pinset.StatePinned], len(peers)))
	case s == pinset.StatusQueued:
		words = append(words, queuedSince(peers)...)
	}
	for _, peer := range peers {
		words = append(words, describePeer(peer, len(peers) > 1)...)
	}
	info := make(map[string]string, 2)
	if len(words) > 0 {
		info[infoDetails] = strings.Join(words, "; ")
	}
	if !p.Expires.IsZero() {
		info[infoUntil] = p.Expires.UTC().Format(time.RFC3339)
	}
	if len(info) == 0 {
		return nil
	}
	return info
}

// queuedSince says since when the pin waits at the peer that has it longest.
func queuedSince(peers []pinset.PeerStatus) []string {
	var since []time.Time
	for _, p := range peers {
		if p.State == pinset.StateQueued && !p.Since.IsZero() {
			since = append(since, p.Since)
		}
	}
	if len(since) == 0 {
		return nil
	}
	oldest := slices.MinFunc(since, time.Time.Compare)
	return []string{"queued since " + oldest.UTC().Format(time.RFC3339)}
}

// describePeer says what is worth knowing about one peer: its error, its
// progress, that it is silent. It is named when there are others.
func describePeer(p pinset.PeerStatus, named bool) []string {
	var words []string
	switch {
	case p.State == pinset.StateFailed:
		words = append(words, "failed: "+orElse(p.Text, "unknown error")+attempts(p))
	case p.State == pinset.StatePinning:
		if p.Text != "" || p.Attempts > 1 {
			words = append(words, "pinning"+colon(p.Text)+again(p))
		}
	case p.State == pinset.StateQueued && p.Attempts > 0:
		words = append(words, "waiting to try again"+colon(p.Text)+attempts(p))
	case p.Text != "":
		words = append(words, p.Text)
	}
	if p.Silent {
		words = append(words, "does not answer")
		named = true
	}
	if named {
		for i := range words {
			words[i] = orElse(p.Name, p.Peer) + ": " + words[i]
		}
	}
	return words
}

func attempts(p pinset.PeerStatus) string {
	if p.Attempts < 1 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", p.Attempts)
}

// again is attempts, without the first.
func again(p pinset.PeerStatus) string {
	if p.Attempts < 2 {
		return ""
	}
	return attempts(p)
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
