package restapi

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/adder"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
)

// This file is the only one that knows gorpc and the library's error texts.
// The other cluster_*.go files make a Cluster out of its calls.

const (
	// peersTimeout bounds questions to other peers about one CID. A peer that
	// is too late has the status cluster_error.
	peersTimeout = 5 * time.Second
	// peerTimeout bounds a question to one other peer.
	peerTimeout = time.Second
	// streamBuffer is how many values of a stream may wait to be sent. Each may
	// have 1 MiB.
	streamBuffer = 1
)

// rpcClient is what the library's adder wants of the way to the cluster.
type rpcClient = rpc.Client

// clientHolder is where the component's RPC client is, once it has one.
type clientHolder struct{ atomic.Pointer[rpc.Client] }

// SetClient gives the component its peer. Until then it answers 503.
func (a *API) SetClient(client *rpc.Client) { a.client.Store(client) }

func (h *clientHolder) get() (*rpc.Client, error) {
	if client := h.Load(); client != nil {
		return client, nil
	}
	return nil, Unavailable("the peer is starting", nil)
}

// call asks the component's own peer.
func call[Out any](ctx context.Context, h *clientHolder, service, method string, in any) (out Out, err error) {
	return callAt[Out](ctx, h, "", service, method, in)
}

// callAt asks a peer.
func callAt[Out any](ctx context.Context, h *clientHolder, dest peer.ID, service, method string, in any) (out Out, err error) {
	client, err := h.get()
	if err != nil {
		return out, err
	}
	// A call whose context has ended may still write to its reply.
	reply := new(Out)
	if err := client.CallContext(ctx, dest, service, method, in, reply); err != nil {
		return out, translate(err)
	}
	return *reply, nil
}

// stream asks the component's own peer for many values.
func stream[Out, In any](ctx context.Context, h *clientHolder, method string, args ...In) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		var none Out
		client, err := h.get()
		if err != nil {
			yield(none, err)
			return
		}
		in := make(chan In, len(args))
		for _, arg := range args {
			in <- arg
		}
		close(in)
		parent := ctx
		ctx, cancel := context.WithCancel(parent)
		defer cancel()
		out := make(chan Out, streamBuffer)
		ended := make(chan error, 1)
		go func() { ended <- client.Stream(ctx, "", "Cluster", method, in, out) }()
		for done := false; !done; {
			select {
			case v, open := <-out:
				switch {
				case open && !yield(v, nil):
					return // which ends the context, so that nobody waits to send
				case open:
					continue
				}
				if ended != nil {
					err = <-ended
				}
				done = true
			case err = <-ended:
				// What it has sent is read, unless it failed. A call that fails at
				// once, as those of a peer that is being stopped, leaves its
				// channel open.
				ended = nil
				done = err != nil
			}
		}
		if err != nil {
			yield(none, translate(err))
		} else if err := parent.Err(); err != nil {
			yield(none, err)
		}
	}
}

// translate turns the library's errors, which often cross a wire and are then
// only texts, into this API's.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	text := err.Error()
	for _, t := range translations {
		if !strings.Contains(text, t.text) {
			continue
		}
		details := t.details
		if details == "" {
			details = text
		}
		return &Error{kind: t.kind, details: details, cause: err}
	}
	return err
}

// diskFull is in the text of an error that says which disk is full, and what to
// do.
const diskFull = "the disk is full: "

// translations is what is known of the library's errors. Without details the
// error's own text is fit for clients, who may know it from
// ipfs-cluster-service.
var translations = []struct {
	text    string // part of the error's text
	kind    kind
	details string
}{
	// Paths, as IPFS answers. First, since their texts have words of the client.
	{"no link named", kindNotFound, ""},
	{"could not resolve name", kindNotFound, ""},
	{"invalid path", kindInvalid, ""},
	{"invalid cid", kindInvalid, ""},
	{"not a valid", kindInvalid, ""},
	{"of the path cannot be read", kindInvalid, ""},
	{"cannot be looked up now", kindUnavailable, ""},
	{"no peer has delivered", kindUnavailable, ""},

	{state.ErrNotFound.Error(), kindNotFound, ErrNotFound.details},
	{"this peer is configured to be in follower mode", kindReadOnly, ErrReadOnly.details},
	{"the pin is larger than 1 MiB", kindTooLarge, ErrTooLarge.details},

	// Pins that cannot be.
	{"ExpireAt set before current time", kindInvalid, "expire-at: it is in the past"},
	{"cluster.replication_factor", kindInvalid, "replication-min, replication-max: both must be -1, or 1 <= min <= max"},
	{"bad replication factors", kindInvalid, "replication-min, replication-max: both must be -1, or 1 <= min <= max"},
	{"cannot repin", kindInvalid, ""},
	{"cannot unpin a", kindInvalid, ""},
	{"this pin type cannot be updated", kindInvalid, ""},
	{"doesn't fit in empty shard", kindInvalid, "shard-size: it is too small"},
	{"bad pin object", kindInvalid, "cid: it is missing"},

	// Members.
	{"cannot remove peers", kindInvalid, ""},
	{"cannot remove ourselves", kindInvalid, ""},

	// What may be different later.
	{"state does not show it yet", kindUnavailable, ""},
	{diskFull, kindUnavailable, ""},
	{"not enough peers to allocate", kindUnavailable, ""},
	{adder.ErrBlockAdder.Error(), kindUnavailable, "no IPFS node has taken the content"},
	{"no IPFS node has", kindUnavailable, ""},
	{"batching max_queue_size reached", kindUnavailable, "too many writes are waiting"},
	{"no space left on device", kindUnavailable, diskFull + "no space is left on the disk of this peer"},
	{"disk quota exceeded", kindUnavailable, diskFull + "no space is left on the disk of this peer"},
	{"its data has another hash", kindInvalid, "the upload has a block whose data does not match its CID"},
	{"block without a CID", kindInvalid, "the upload has a block without a CID"},
	{"storage limit reached", kindUnavailable, ""},
	{"nothing was collected", kindUnavailable, ""},
	{"the IPFS node is not running", kindUnavailable, "the IPFS node of this peer is not running"},
	{"the IPFS node does not answer", kindUnavailable, "the IPFS node of this peer does not answer"},
	{"the IPFS node ended the request", kindUnavailable, ""},
	{"could not find", kindUnavailable, "a block is missing on this peer's IPFS node"},
	{"IPFS request failed", kindUnavailable, "the IPFS node of this peer does not answer as it should"},
	{"connection refused", kindUnavailable, "the IPFS node of this peer does not answer"},
	{"leader", kindUnavailable, "the cluster has no leader now"},
	{"shutting down", kindUnavailable, "the peer is stopping"},
	{"is shutdown", kindUnavailable, "the peer is stopping"},
	{"context deadline exceeded", kindUnavailable, "the cluster did not answer in time"},
	{"context canceled", kindUnavailable, "the request was given up"},
}
