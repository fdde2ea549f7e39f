package pinset

import (
	"errors"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/state"
)

// Translate turns the library's errors, which often cross a wire and are then
// only texts, into this API's.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	text := err.Error()
	if _, details, found := strings.Cut(text, diskFull); found {
		return DiskFull(details)
	}
	for _, t := range translations {
		if strings.Contains(text, t.text) {
			return &Error{Kind: t.to.Kind, Details: t.to.Details, Cause: err}
		}
	}
	return err
}

// unavailable makes the public half of a 503 for the table below.
func unavailable(details string) *Error {
	return &Error{Kind: KindUnavailable, Details: details}
}

var translations = []struct {
	text string // part of the error's text
	to   *Error
}{
	{state.ErrNotFound.Error(), ErrNotFound},
	{"this peer is configured to be in follower mode", ErrReadOnly},
	{ErrTooLarge.Details, ErrTooLarge},
	{notVisible, unavailable(notVisible)},
	{"not enough peers to allocate", unavailable("too few peers can take this pin now")},
	{"batching max_queue_size reached", unavailable("too many writes are waiting")},
	{"no space left on device", noSpace},
	{"disk quota exceeded", noSpace},
	{"no peer has delivered the block", unavailable("a block that this needs is missing, and no peer has delivered it")},
	{"could not find", unavailable("a block that this needs is missing on this peer's IPFS node")},
	{"storage limit reached", unavailable("the storage limit of this peer's IPFS node is reached")},
	{"the IPFS node is not running", unavailable("the IPFS node of this peer is not running")},
	{"the IPFS node does not answer", unavailable("the IPFS node of this peer does not answer")},
	{"leader", unavailable("the cluster has no leader now")},
	{"shutting down", unavailable("the peer is stopping")},
	{"context deadline exceeded", unavailable("the cluster did not answer in time")},
	{"context canceled", unavailable("the request was given up")},
	{"cannot repin CID with different tracking method", &Error{
		Kind: KindInvalid, Details: "cid: it belongs to a sharded pin and cannot be pinned by itself",
	}},
}

// noSpace is for disks that nobody watches.
var noSpace = &Error{Kind: KindDiskFull, Details: diskFull + "no space is left on the disk of this peer"}

// ErrNotCompared ends a tracker's list of what is not pinned when the peer has
// not compared its pins with its IPFS node since it was started: the list may
// lack pins then.
var ErrNotCompared = errors.New("this peer has not compared its pins with its IPFS node yet")

// NotCompared recognises ErrNotCompared, which may have crossed a wire.
func NotCompared(err error) bool {
	return err != nil && strings.Contains(err.Error(), ErrNotCompared.Error())
}

// notVisible is the text of ErrNotVisible.
const notVisible = "the write was accepted but this peer's state does not show it yet"

// ErrNotVisible is what a peer returns for a write that its own state has not
// shown after 10 s. The write may still happen.
var ErrNotVisible = unavailable(notVisible)
