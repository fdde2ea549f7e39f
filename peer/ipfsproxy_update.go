package peer

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// pinUpdate is the proxy's path of `ipfs pin update`.
const pinUpdate = "/api/v0/pin/update"

// updates keeps the proxy from harm that the library does with `ipfs pin update`:
// of a pin by itself it wipes what belongs to the pin and then removes it, and for
// one that is not pinned it pins the other one blindly. As in a Kubo, the first
// changes nothing, and the second is an error.
func (p *Peer) updates(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		args := r.URL.Query()["arg"]
		if path.Clean(r.URL.Path) != pinUpdate || len(args) < 2 || !p.isReady() {
			next.ServeHTTP(w, r)
			return
		}
		from, err := p.resolve(r.Context(), args[0])
		if err != nil {
			next.ServeHTTP(w, r) // which says what is wrong with it
			return
		}
		switch pinned, err := p.pinned(r.Context(), from); {
		case err != nil:
			answerIPFS(w, http.StatusInternalServerError, ipfsError{Message: err.Error(), Type: "error"})
			return
		case !pinned:
			answerIPFS(w, http.StatusInternalServerError, ipfsError{Message: "'from' cid was not recursively pinned already", Type: "error"})
			return
		}
		if to, err := p.resolve(r.Context(), args[1]); err != nil || to != from {
			next.ServeHTTP(w, r)
			return
		}
		answerIPFS(w, http.StatusOK, map[string][]string{"Pins": {from.String(), from.String()}})
	})
}

// resolve returns the CID of an argument, which is a CID or a path.
func (p *Peer) resolve(ctx context.Context, arg string) (api.Cid, error) {
	if c, err := api.DecodeCid(arg); err == nil {
		return c, nil
	}
	if !strings.HasPrefix(arg, "/") {
		arg = "/ipfs/" + arg
	}
	return p.connector.Resolve(ctx, arg)
}

// pinned reports whether the pinset has a CID that has not expired.
func (p *Peer) pinned(ctx context.Context, c api.Cid) (bool, error) {
	st, err := p.local.State(ctx)
	if err != nil {
		return false, err
	}
	pin, err := pinset.Stored(ctx, st, c)
	return err == nil && pin.Defined() && !pin.ExpiredAt(time.Now()), err
}

// ipfsError is how a Kubo writes an error.
type ipfsError struct {
	Message string
	Code    int
	Type    string
}

func answerIPFS(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
