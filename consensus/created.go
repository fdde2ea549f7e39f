package consensus

import (
	"fmt"
	"maps"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// maxPinSize bounds a pin in the state, in bytes. CRDT accepts larger ones, but a pin of
// more than about 4 MB never reaches other peers, and neither does any later write.
const maxPinSize = 1 << 20

// withCreated returns pin with its `created` set by pinset.Clock.Created. A value that
// the caller has sent is replaced: an update by the library copies the metadata of one
// CID to another, and an API of this peer leaves the decision to this function.
func withCreated(pin, stored api.Pin, clock *pinset.Clock) api.Pin {
	meta := maps.Clone(pin.Metadata) // the caller's map stays as it is
	if meta == nil {
		meta = make(map[string]string, 1)
	}
	meta[pinset.CreatedKey] = pinset.EncodeCreated(clock.Created(stored))
	pin.Metadata = meta
	return pin
}

// checkSize returns pinset.ErrTooLarge, or the reason why the pin cannot be encoded. A
// batch would only log either, after the write was answered.
func checkSize(pin api.Pin) error {
	b, err := pin.ProtoMarshal()
	if err != nil {
		return fmt.Errorf("encoding the pin: %w", err)
	}
	if len(b) > maxPinSize {
		return fmt.Errorf("%w: it takes %d bytes", pinset.ErrTooLarge, len(b))
	}
	return nil
}
