package restapi

import (
	"net/http"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/common"
)

// pinTimes is the memory of a response about pins, in sizes of the largest pin: one is
// stored, one decoded and one encoded at a time, in buffers that double.
const pinTimes = 6

// withRoom makes a request wait for the memory of a response with one pin, which is
// none while all pins are small.
func (a *API) withRoom(handle handler) handler {
	return func(r *http.Request) (any, error) {
		if err := a.takeRoom(r); err != nil {
			return nil, err
		}
		return handle(r)
	}
}

// withRoomStream is withRoom for a stream, which has one pin in memory at a time.
func (a *API) withRoomStream(stream common.Stream) common.Stream {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.takeRoom(r); err != nil {
			return err
		}
		return stream(w, r)
	}
}

// takeRoom waits for memory, which is freed when the response has been written.
func (a *API) takeRoom(r *http.Request) error {
	return common.LeaseOf(r.Context()).Wait(r.Context(), pinTimes*a.budget.Largest())
}

// saw reports the size of a pin to the budget.
func (a *API) saw(p api.Pin) {
	size := len(p.Name)
	for k, v := range p.Metadata {
		size += len(k) + len(v)
	}
	for _, o := range p.Origins {
		size += len(o.Bytes())
	}
	a.budget.Saw(size)
}
