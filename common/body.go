package common

import (
	"errors"
	"io"
	"net/http"
)

// firstBody is how much of a body is read at first, in bytes.
const firstBody = 1 << 10

// ReadBody reads a request's body of at most limit bytes. The memory for it grows
// with what has come, in the request's lease. The error is an *http.MaxBytesError
// for a larger body, one for which IsMemoryShort is true when there is no room,
// and else that of the connection.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	lease := LeaseOf(r.Context())
	if err := lease.Grow(firstBody); err != nil {
		return nil, err
	}
	body := http.MaxBytesReader(nil, r.Body, limit)
	buffer := make([]byte, 0, firstBody)
	for {
		n, err := body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		switch {
		case errors.Is(err, io.EOF):
			return buffer, nil
		case err != nil:
			return nil, err
		case len(buffer) < cap(buffer):
			continue
		}
		if err := lease.Grow(2 * int64(cap(buffer))); err != nil {
			return nil, err
		}
		old := int64(cap(buffer))
		larger := make([]byte, len(buffer), 2*old)
		copy(larger, buffer)
		buffer = larger
		lease.Shrink(old)
	}
}
