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

// Keys of PinStatus.info that the specification suggests.
const (
	infoDetails = "status_details"
	infoUntil   = "pinned_until"
)

// describe returns PinStatus.info: text for people, or nil when the status says it all,
// as for a pin that all of its peers have pinned.
func describe(p pinset.Pin, s pinset.Status, peers []pinset.PeerStatus) map[string]string {
	// Clients show the details as one line, so that the summary comes first.
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

// queuedSince returns a text with the time since when the pin has been queued: the earliest of its peers.
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

// describePeer returns the details of one peer: its error, its progress, whether it
// answers. They name the peer when named is set, which it is for pins of several peers.
func describePeer(p pinset.PeerStatus, named bool) []string {
	var words []string
	switch {
	case p.State == pinset.StateFailed:
		words = append(words, "failed: "+orElse(p.Text, "unknown error")+attempts(p))
	case p.State == pinset.StatePinning:
		if p.Text != "" || p.Attempts > 1 {
			words = append(words, "pinning"+colon(p.Text)+again(p))
		}
	// The tracker tries a failed pin again after a while. It is queued meanwhile.
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

// attempts returns the number of attempts in parentheses, empty before the first.
func attempts(p pinset.PeerStatus) string {
	if p.Attempts < 1 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", p.Attempts)
}

// again is attempts for a pin that is being fetched, where the first attempt is no news.
func again(p pinset.PeerStatus) string {
	if p.Attempts < 2 {
		return ""
	}
	return attempts(p)
}

// colon returns text after a colon, empty without text.
func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// orElse returns text, or other when it is empty.
func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
