package pinsvcapi

import (
	"context"
	"errors"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// How many times its size a pin takes in memory
const (
	readTimes   = 2 // while it is read: as it is stored, and decoded
	writeTimes  = 8 // while it is written: in calls, the consensus and the store
	answerTimes = 3 // as the one pin of an answer: encoded, in buffers that double
)

// readStored reads a pin once there is memory for it. The caller calls done when it has
// dropped the pin, or has reserved memory for it elsewhere. It must not wait for a
// client before that.
func (s *service) readStored(ctx context.Context, c cid.Cid) (p pinset.Pin, done func(), err error) {
	done, err = s.budget.Work(ctx, readTimes*s.budget.Largest())
	if err != nil {
		return pinset.Pin{}, nil, err
	}
	if p, err = s.cluster.Get(ctx, c); err != nil {
		done()
		return pinset.Pin{}, nil, err
	}
	s.budget.Saw(pinSize(p))
	return p, done, nil
}

// find is readStored for a CID of a request: the pin of exactly this CID or, only if
// there is none, of its other version.
func (s *service) find(ctx context.Context, id cid.Cid) (p pinset.Pin, done func(), err error) {
	p, done, err = s.readStored(ctx, id)
	other, ok := otherVersion(id)
	if !ok || !errors.Is(err, pinset.ErrNotFound) {
		return p, done, err
	}
	return s.readStored(ctx, other)
}

// readFunc is readStored or find.
type readFunc func(context.Context, cid.Cid) (pinset.Pin, func(), error)

// read reads the pin of a response, with memory for both in the request's lease. It
// waits for memory only while the request holds none, so that requests cannot wait for
// each other.
func (s *service) read(ctx context.Context, c cid.Cid, get readFunc) (pinset.Pin, error) {
	lease := common.LeaseOf(ctx)
	var have int64
	for {
		p, done, err := get(ctx, c)
		if err != nil {
			lease.Shrink(have)
			return pinset.Pin{}, err
		}
		need := (1 + answerTimes) * int64(pinSize(p))
		// The lease may be empty: then nothing else of the request is in memory, and
		// it may wait.
		if need <= have || lease.Grow(need-have) == nil {
			done()
			return p, nil
		}
		done() // it waits without the pin, and reads it again
		lease.Shrink(have)
		if err := lease.Wait(ctx, need); err != nil {
			return pinset.Pin{}, err
		}
		have = need
	}
}

// put writes a pin. Memory for the response is reserved first, so that no write is done whose result cannot be returned.
func (s *service) put(ctx context.Context, p pinset.Pin) (pinset.Pin, error) {
	size := int64(pinSize(p))
	if err := common.LeaseOf(ctx).Grow((1 + answerTimes) * size); err != nil {
		return pinset.Pin{}, err
	}
	done, err := s.budget.Work(ctx, writeTimes*size)
	if err != nil {
		return pinset.Pin{}, err
	}
	defer done()
	s.budget.Saw(int(size))
	return s.cluster.Put(ctx, p)
}
