package pinsvcapi

import (
	"net/http"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/common"
)

// routes are the endpoints of the specification. Package common adds those for tokens
// and health.
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

// getPins lists pins. The response is streamed once its first pin has been read.
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

// addPin stores the pin of the body.
func (a *API) addPin(r *http.Request) (any, error) {
	b, err := a.readPin(r)
	if err != nil {
		return nil, err
	}
	return answer(a.service.add(r.Context(), b))
}

// getPin returns the pin of a request ID.
func (a *API) getPin(r *http.Request) (any, error) {
	id, err := requestID(r)
	if err != nil {
		return nil, err
	}
	return answer(a.service.get(r.Context(), id))
}

// replacePin replaces the pin of a request ID by that of the body.
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

// deletePin removes the pin of a request ID.
func (a *API) deletePin(r *http.Request) (any, error) {
	id, err := requestID(r)
	if err != nil {
		return nil, err
	}
	return nil, a.service.remove(r.Context(), id)
}

// readPin reads the pin in a request's body, and adds its CID to the audit log, since
// the path does not have it.
func (a *API) readPin(r *http.Request) (pinBody, error) {
	b, err := readPin(r, a.config.MaxBodyBytes)
	if err == nil {
		common.Note(r.Context(), "cid", b.cid.String())
	}
	return b, err
}

// requestID parses the request ID in the path: a CID in any encoding. Anything else is
// an unknown request ID, not a bad request: clients that were moved from another
// service delete by its IDs, and accept a 404.
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

// answer returns the response with one pin.
func answer(p pinStatus, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toWire(p), nil
}
