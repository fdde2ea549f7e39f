// Package exported reads pinsets in the format of `state export`: JSON objects of
// the library's api.Pin, one after the other.
package exported

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// Pins is an exported pinset.
type Pins struct {
	Text io.Reader
	// Change replaces each pin of Text before it is converted. nil: no change. Several
	// goroutines call it at once, also for pins after one that fails.
	Change func(api.Pin) (api.Pin, error)
	// Progress is called with the number of pins so far, for each. nil: it is not
	// wanted.
	Progress func(pins int)
}

// ErrNone is returned for a text without pins: more often it is the output of a
// command that failed than an empty pinset.
var ErrNone = errors.New("there are no pins to import ('pinsvc state cleanup' removes the pinset)")

// Each decodes a pinset on all cores. It passes the converted pins to use, some at a
// time, in the order of the text and in the caller's goroutine. It returns the first
// error, with the number of its pin, ErrNone when there is no pin, and the cause of
// ctx when it ends. The number of undecoded parts is bounded, so that a slow use does
// not fill the memory. After an error, later parts may still be decoding.
func Each[T any](ctx context.Context, from *Pins, convert func(api.Pin) (T, error), use func([]T) error) error {
	r := &reading[T]{ctx: ctx, from: from, use: use}
	text := splitter{from: from.Text}
	for {
		block, ended := text.next()
		// Buffered, so that the decoder ends even if Each has returned an error.
		result := make(chan decoded[T], 1)
		r.waiting = append(r.waiting, result)
		go func() { result <- decode(block, from.Change, convert) }()
		for len(r.waiting) > 2*runtime.GOMAXPROCS(0) || ended != nil && len(r.waiting) > 0 {
			if err := r.take(); err != nil {
				return err
			}
		}
		switch {
		case ended == io.EOF && r.pins == 0:
			return ErrNone
		case ended == io.EOF:
			return nil
		case ended != nil:
			return r.failed(ended)
		}
	}
}

// reading is one call of Each.
type reading[T any] struct {
	ctx     context.Context
	from    *Pins
	use     func([]T) error
	waiting []chan decoded[T] // being decoded, in the order of the text
	pins    int               // that were taken
}

// take waits for the oldest part that is being decoded, and uses it. The pins before
// an invalid one are used, too: the caller has to undo them.
func (r *reading[T]) take() error {
	d := <-r.waiting[0]
	r.waiting = r.waiting[1:]
	for range d.pins {
		r.pins++
		if r.from.Progress != nil {
			r.from.Progress(r.pins)
		}
	}
	if err := context.Cause(r.ctx); err != nil {
		return r.failed(err)
	}
	if err := r.use(d.pins); err != nil {
		return err
	}
	if d.err != nil {
		return r.failed(d.err)
	}
	return nil
}

// failed adds the number of the pin, counted from 1, at which the reading ended.
func (r *reading[T]) failed(err error) error { return fmt.Errorf("pin %d: %w", r.pins+1, err) }

// decoded are pins that follow each other.
type decoded[T any] struct {
	pins []T
	err  error // of the pin after them
}

// decode decodes all pins of a text, up to the first error.
func decode[T any](text io.Reader, change func(api.Pin) (api.Pin, error), convert func(api.Pin) (T, error)) (d decoded[T]) {
	dec := json.NewDecoder(text)
	for {
		var pin api.Pin
		err := dec.Decode(&pin)
		if err == io.EOF {
			return d
		}
		if err == nil && !pin.Cid.Defined() {
			err = errors.New("has no cid")
		}
		if err == nil && change != nil {
			pin, err = change(pin)
		}
		var out T
		if err == nil {
			out, err = convert(pin)
		}
		if err != nil {
			d.err = err
			return d
		}
		d.pins = append(d.pins, out)
	}
}
