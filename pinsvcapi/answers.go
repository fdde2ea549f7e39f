package pinsvcapi

import (
	"errors"
	"maps"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// seenMost bounds the single statuses that are remembered.
	seenMost = 1 << 15
	// muteFor is how long a peer that was late is not asked again.
	muteFor = 5 * time.Second
)

var errMuted = errors.New("the peer was late a moment ago")

// answers remembers what peers said, for the time in which they are silent.
type answers struct {
	now  func() time.Time
	seen *lru.Cache[seenKey, seenStatus]

	mu    sync.Mutex
	peers map[string]unpinnedAnswer
	mutes map[string]time.Time // until when
}

type seenKey struct {
	cid  cid.Cid
	peer string
}

type seenStatus struct {
	pinset.PeerStatus
	at time.Time
}

// unpinnedAnswer is what a peer last said it has not pinned. Asked is zero when
// it has never answered.
type unpinnedAnswer struct {
	pinset.Unpinned
	failed bool // it did not answer when it was asked again
}

func newAnswers() *answers {
	seen, err := lru.New[seenKey, seenStatus](seenMost)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &answers{
		now:   time.Now,
		seen:  seen,
		peers: make(map[string]unpinnedAnswer),
		mutes: make(map[string]time.Time),
	}
}

// sawStatus remembers what a peer says of one pin.
func (a *answers) sawStatus(c cid.Cid, s pinset.PeerStatus) {
	a.seen.Add(seenKey{c, s.Peer}, seenStatus{s, a.now()})
}

// lastStatus returns the newest thing that a peer said of a pin since the pin
// was created.
func (a *answers) lastStatus(p pinset.Pin, id string) (pinset.PeerStatus, bool) {
	one, ok := a.seen.Get(seenKey{p.CID, id})
	ok = ok && one.at.After(p.Created)
	all := a.unpinned(id)
	if !all.Asked.After(p.Created) || ok && one.at.After(all.Asked) {
		return one.PeerStatus, ok
	}
	if s, ok := all.Pins[p.CID]; ok {
		return s, true
	}
	if all.Partial {
		return one.PeerStatus, ok
	}
	return pinset.PeerStatus{Peer: id, Name: one.Name, State: pinset.StatePinned}, true
}

// sawUnpinned remembers a peer's answer.
func (a *answers) sawUnpinned(id string, said pinset.Unpinned) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peers[id] = unpinnedAnswer{Unpinned: said}
}

// failedUnpinned keeps a peer's last answer and notes that it is old.
func (a *answers) failedUnpinned(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.peers[id]
	last.failed = true
	a.peers[id] = last
}

// unpinned returns a peer's last answer.
func (a *answers) unpinned(id string) unpinnedAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.peers[id]
}

// allUnpinned returns the last answers of all peers that were ever asked.
func (a *answers) allUnpinned() map[string]unpinnedAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.peers)
}

// mute makes muted return an error for a while.
func (a *answers) mute(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mutes[id] = a.now().Add(muteFor)
}

// muted returns an error when a peer should not be asked now.
func (a *answers) muted(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now().Before(a.mutes[id]) {
		return errMuted
	}
	return nil
}
