package consensus

import (
	"fmt"
	"maps"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// maxPinSize is the most that a pin may take in the state, in bytes. CRDT
// accepts larger ones, but from about 4 MB on they never reach other peers,
// and nothing that is written after them does.
const maxPinSize = 1 << 20

// stamp returns pin with its `created` set: that of the stored pin of the same
// CID, else a new one. Whatever the caller sent is replaced, because updates
// of the library copy metadata from one CID to another. An expired pin is as
// good as removed.
func stamp(pin, stored api.Pin, clock *pinset.Clock) api.Pin {
	var created time.Time
	if stored.Defined() && !stored.ExpiredAt(time.Now()) {
		created = pinset.CreatedOf(stored.Metadata, stored.Timestamp, stored.Cid.Cid)
	} else {
		created = clock.Next()
	}
	meta := maps.Clone(pin.Metadata) // the caller's map stays as it is
	if meta == nil {
		meta = make(map[string]string, 1)
	}
	meta[pinset.CreatedKey] = pinset.EncodeCreated(created)
	pin.Metadata = meta
	return pin
}

// checkSize returns pinsvcapi.ErrTooLarge, or why the pin cannot be stored at
// all: a batch would only log that, later.
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
