package pinsvcapi

import (
	"net/http"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/common"
)

// routes is every endpoint of the specification. Tokens and health are the
// shared layer's.
func (a *API) routes() []common.Route {
	routes := []common.Route{
		{Method: http.MethodGet, Path: "/pins", Status: http.StatusOK, Handle: a.getPins},
		{Method: http.MethodPost, Path: "/pins", Status: http.StatusAccepted, Handle: a.addPin},
		{Method: http.MethodGet, Path: "/pins/{requestid}", Status: http.StatusOK, Handle: a.getPin},
		{Method: http.MethodPost, Path: "/pins/{requestid}", Status: http.StatusAccepted, Handle: a.replacePin},
		{Method: http.MethodDelete, Path: "/pins/{requestid}", Status: http.StatusAccepted, Handle: a.deletePin},
	}
	for i := range routes {
		routes[i].Handle = a.ready.Handle(routes[i].Handle)
	}
	return append(append(routes, openapiRoute()), pageRoutes()...)
}

func (a *API) getPins(r *http.Request) (any, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	p, err := a.service.list(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return common.Streamed(p.write), nil
}

func (a *API) addPin(r *http.Request) (any, error) {
	b, err := a.readPin(r)
	if err != nil {
		return nil, err
	}
	return answer(a.service.add(r.Context(), b))
}

func (a *API) getPin(r *http.Request) (any, error) {
	id, err := requestID(r)
	if err != nil {
		return nil, err
	}
	return answer(a.service.get(r.Context(), id))
}

func (a *API) replacePin(r *http.Request) (any, error) {
	id, err := requestID(r)
	if err != nil {
		return nil, err
	}
	b, err := a.readPin(r)
	if err != nil {
		return nil, err
	}
	return answer(a.service.replace(r.Context(), id, b))
}

func (a *API) deletePin(r *http.Request) (any, error) {
	id, err := requestID(r)
	if err != nil {
		return nil, err
	}
	return nil, a.service.remove(r.Context(), id)
}

// readPin reads the pin in a request's body, and tells the audit line whose
// path does not say it.
func (a *API) readPin(r *http.Request) (pinBody, error) {
	b, err := readPin(r, a.config.MaxBodyBytes)
	if err == nil {
		common.Note(r.Context(), "cid", b.cid.String())
	}
	return b, err
}

// requestID reads the path's request ID, which is a CID in any encoding. Anything
// else is the request ID of no pin: clients that come from another service delete
// with its IDs, and take a 404 for done.
func requestID(r *http.Request) (cid.Cid, error) {
	text, err := common.PathVar(r, "requestid")
	if err != nil {
		return cid.Undef, err
	}
	id, err := cid.Decode(text)
	if err != nil {
		return cid.Undef, unknownID(text)
	}
	return id, nil
}

// answer puts a pin on the wire.
func answer(p pinStatus, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toWire(p), nil
}
