package restapi

import (
	"net/http"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/common"
)

// pinTimes is how many times the largest pin an answer about pins has in memory:
// as they are stored, decoded and encoded, one after the other.
const pinTimes = 6

// withRoom makes a request wait for memory for an answer that has one pin. As long
// as all pins are small it needs none.
func (a *API) withRoom(handle handler) handler {
	return func(r *http.Request) (any, error) {
		if err := a.takeRoom(r); err != nil {
			return nil, err
		}
		return handle(r)
	}
}

// withRoomStream is withRoom for an answer that has pins one after the other.
func (a *API) withRoomStream(stream common.Stream) common.Stream {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.takeRoom(r); err != nil {
			return err
		}
		return stream(w, r)
	}
}

// takeRoom waits for room, which is given back when the request is answered.
func (a *API) takeRoom(r *http.Request) error {
	return common.LeaseOf(r.Context()).Wait(r.Context(), pinTimes*a.budget.Largest())
}

// saw notes the size of a pin.
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
