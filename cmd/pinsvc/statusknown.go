package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

// addKnown adds the peers that are down: the running peer knows them, and they
// are not among those that answered. The library only lists peers whose ping is
// valid, so without this a peer that is down would just be absent.
func (r *report) addKnown(known folder.KnownPeers, now time.Time) {
	for _, k := range known.Peers {
		id := k.ID.String()
		i := slices.IndexFunc(r.Peers, func(p peerLine) bool { return p.ID == id })
		switch {
		case i < 0:
			i = len(r.Peers)
			r.Peers = append(r.Peers, peerLine{ID: id})
		case r.Peers[i].Error == "":
			continue
		}
		r.Peers[i].Name = cmp.Or(r.Peers[i].Name, k.Name)
		r.Peers[i].markMissing(k, now.Before(known.Complete))
	}
	slices.SortFunc(r.Peers, func(a, b peerLine) int { return cmp.Compare(a.Name+a.ID, b.Name+b.ID) })
}

// markMissing notes since when a peer has been missing. While the reporting
// peer is starting, others may just not have been heard of yet, so they are not
// called down.
func (p *peerLine) markMissing(k folder.KnownPeer, starting bool) {
	at, seen := k.LastSeen, "last seen "+k.LastSeen.Format(time.RFC3339)
	if at.IsZero() {
		at, seen = k.Since, "never seen, known since "+k.Since.Format(time.RFC3339)
	}
	text := ""
	switch {
	case k.Seen:
		p.LastSeen = &at
		return
	case starting:
		text = "not seen since this peer has started, a moment ago; " + seen
		if !k.LastSeen.IsZero() {
			p.LastSeen = &at
		}
	case k.LastSeen.IsZero():
		text, p.DownSince = "down, "+seen, &at
	default:
		text, p.DownSince = "down since "+at.Format(time.RFC3339), &at
	}
	if p.Error != "" {
		text += ": " + p.Error
	}
	p.Error = text
}
