package folder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
)

const (
	// KnownFile has the peers that this one knows, so that those that are down are
	// named after a restart, too.
	KnownFile = "known_peers"
	// knownFor is how long a peer that is not seen is named. On CRDT nothing tells
	// a peer that was removed from one that is down.
	knownFor = 7 * 24 * time.Hour
	// maxKnown bounds the peers in the file. Those that were seen last are kept.
	maxKnown = 1000
)

// KnownPeer is another peer of the cluster, up or down.
type KnownPeer struct {
	ID   libp2p.ID `json:"id"`
	Name string    `json:"name,omitempty"`
	// Seen says that its last ping still counts.
	Seen bool `json:"seen"`
	// LastSeen is when its last ping came; zero: never.
	LastSeen time.Time `json:"last_seen,omitzero"`
	// Since is when this peer first knew it.
	Since time.Time `json:"since"`
}

// KnownPeers are all peers that a peer knows, without itself, sorted by ID.
type KnownPeers struct {
	// Complete is when every peer that runs has sent a ping since the start.
	// Before, one that is not seen need not be down.
	Complete time.Time   `json:"complete"`
	Peers    []KnownPeer `json:"peers"`
}

// ReadKnownPeers returns the peers that the peer of a folder knows. The peer may
// run meanwhile: the list is some seconds old.
func ReadKnownPeers(folder string) (KnownPeers, error) {
	var k KnownPeers
	raw, err := os.ReadFile(filepath.Join(folder, KnownFile))
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &k)
	}
	if err != nil {
		return KnownPeers{}, fmt.Errorf("%s: %w", KnownFile, err)
	}
	return k, nil
}

// Write replaces the file, never leaving a part of it.
func (k *KnownPeers) Write(folder string) error {
	raw, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(folder, KnownFile)
	if err := os.WriteFile(path+".new", append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Note adds peers that may never have been seen.
func (k *KnownPeers) Note(ids []libp2p.ID, now time.Time) (changed bool) {
	for _, id := range ids {
		if k.find(id) == nil {
			k.Peers = append(k.Peers, KnownPeer{ID: id, Since: now})
			changed = true
		}
	}
	k.sort()
	return changed
}

// See takes over the pings that count now. It reports whether a peer has come or
// gone.
func (k *KnownPeers) See(pings []api.Metric, now time.Time) (changed bool) {
	var ids []libp2p.ID
	for _, m := range pings {
		ids = append(ids, m.Peer)
	}
	changed = k.Note(ids, now)
	for _, m := range pings {
		p := k.find(m.Peer)
		var value struct {
			Peername string `json:"peer_name"`
		}
		if json.Unmarshal([]byte(m.Value), &value) == nil {
			p.Name = cmp.Or(value.Peername, p.Name)
		}
		p.LastSeen = time.Unix(0, m.ReceivedAt).UTC().Truncate(time.Second)
	}
	for i := range k.Peers {
		p := &k.Peers[i]
		if seen := slices.Contains(ids, p.ID); seen != p.Seen {
			p.Seen, changed = seen, true
		}
	}
	return changed
}

// Forget drops peers that are not members any more, on Raft, which knows that
// (members is nil otherwise), and those that were not seen for long.
func (k *KnownPeers) Forget(self libp2p.ID, members []libp2p.ID, now time.Time) (changed bool) {
	last := func(p KnownPeer) time.Time {
		if p.LastSeen.After(p.Since) {
			return p.LastSeen
		}
		return p.Since
	}
	before := len(k.Peers)
	k.Peers = slices.DeleteFunc(k.Peers, func(p KnownPeer) bool {
		removed := members != nil && !slices.Contains(members, p.ID)
		old := members == nil && !p.Seen && now.Sub(last(p)) > knownFor
		return p.ID == self || removed || old
	})
	if len(k.Peers) > maxKnown {
		slices.SortFunc(k.Peers, func(a, b KnownPeer) int { return last(b).Compare(last(a)) })
		k.Peers = k.Peers[:maxKnown]
		k.sort()
	}
	return len(k.Peers) != before
}

func (k *KnownPeers) find(id libp2p.ID) *KnownPeer {
	for i := range k.Peers {
		if k.Peers[i].ID == id {
			return &k.Peers[i]
		}
	}
	return nil
}

func (k *KnownPeers) sort() {
	slices.SortFunc(k.Peers, func(a, b KnownPeer) int { return cmp.Compare(a.ID, b.ID) })
}
