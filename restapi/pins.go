package restapi

import (
	"context"
	"iter"
	"net/http"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"golang.org/x/sync/errgroup"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// maxQueries bounds the concurrent status queries of one request.
const maxQueries = 16

// pin stores the pin of the CID in the path, or updates it.
func (a *API) pin(r *http.Request) (any, error) {
	c, q, err := parsePinRequest(r)
	if err != nil {
		return nil, err
	}
	options, err := q.pinOptions()
	if err != nil {
		return nil, err
	}
	return a.pinCID(r, "hash", api.PinWithOpts(c, options), q)
}

// checkPinnable refuses a CID that no IPFS node can ever pin; the error names
// param.
func checkPinnable(param string, c api.Cid) error {
	if err := pinset.CheckCID(c.Cid); err != nil {
		return pinset.Invalid(param, "%s cannot be pinned: %v", c, err)
	}
	return nil
}

func (a *API) unpin(r *http.Request) (any, error) {
	c, err := parseCID(r)
	if err != nil {
		return nil, err
	}
	return pinAnswer(a.cluster.Unpin(r.Context(), c))
}

// pinPath is pin for the CID of a path.
func (a *API) pinPath(r *http.Request) (any, error) {
	path, q, err := parsePath(r)
	if err != nil {
		return nil, err
	}
	options, err := q.pinOptions()
	if err != nil {
		return nil, err
	}
	root, err := a.resolve(r, path)
	if err != nil {
		return nil, err
	}
	return a.pinCID(r, "path", api.PinWithOpts(root, options), q)
}

// unpinPath is unpin for the CID of a path.
func (a *API) unpinPath(r *http.Request) (any, error) {
	path, _, err := parsePath(r)
	if err != nil {
		return nil, err
	}
	root, err := a.resolve(r, path)
	if err != nil {
		return nil, err
	}
	return pinAnswer(a.cluster.Unpin(r.Context(), root))
}

// resolve returns the CID of a path, and adds it to the audit log, since the URL does
// not have it.
func (a *API) resolve(r *http.Request, path string) (api.Cid, error) {
	root, err := a.cluster.Resolve(r.Context(), path)
	if err == nil {
		common.Note(r.Context(), "cid", root.String())
	}
	return root, err
}

// pinCID stores a pin. param is the parameter that errors about its CID name.
func (a *API) pinCID(r *http.Request, param string, pin api.Pin, q query) (any, error) {
	if err := checkPinnable(param, pin.Cid); err != nil {
		return nil, err
	}
	pin, err := a.updated(r.Context(), q, pin)
	if err != nil {
		return nil, err
	}
	return pinAnswer(a.cluster.Pin(r.Context(), pin))
}

// getAllocation returns the entry of the pinset, of any type.
func (a *API) getAllocation(r *http.Request) (any, error) {
	c, err := parseCID(r)
	if err != nil {
		return nil, err
	}
	return pinAnswer(a.cluster.Allocation(r.Context(), c))
}

// listAllocations lists the entries of the pinset that have one of the requested types.
func (a *API) listAllocations(r *http.Request) (iter.Seq2[api.Pin, error], error) {
	q, err := parseQuery(r)
	if err != nil {
		return nil, err
	}
	types, err := q.pinTypes()
	if err != nil {
		return nil, err
	}
	return func(yield func(api.Pin, error) bool) {
		for p, err := range a.cluster.Allocations(r.Context()) {
			a.saw(p)
			if err == nil && p.Type&types == 0 {
				continue
			}
			if !yield(shownPin(p), err) {
				return
			}
		}
	}, nil
}

// getStatus returns the status of a CID, which need not be in the pinset.
func (a *API) getStatus(r *http.Request) (any, error) {
	return one(r, a.status)
}

// recoverPin retries a pin, whatever its status, and returns the status after that.
func (a *API) recoverPin(r *http.Request) (any, error) {
	return one(r, a.cluster.Recover)
}

// one queries the status of the CID in a request's path.
func one(r *http.Request, ask func(context.Context, api.Cid, Scope) (api.GlobalPinInfo, error)) (any, error) {
	c, q, err := parsePinRequest(r)
	if err != nil {
		return nil, err
	}
	scope, err := q.scope()
	if err != nil {
		return nil, err
	}
	info, err := ask(r.Context(), c, scope)
	return value(shownInfo(info), err)
}

// recoverAll retries all pins with an error, and lists them.
func (a *API) recoverAll(r *http.Request) (iter.Seq2[api.GlobalPinInfo, error], error) {
	q, err := parseQuery(r)
	if err != nil {
		return nil, err
	}
	scope, err := q.scope()
	if err != nil {
		return nil, err
	}
	return a.shownInfos(r.Context(), a.cluster.RecoverAll(r.Context(), scope)), nil
}

// listStatus lists the CIDs with a status of the filter, of all CIDs or the given ones.
func (a *API) listStatus(r *http.Request) (iter.Seq2[api.GlobalPinInfo, error], error) {
	q, err := parseQuery(r)
	if err != nil {
		return nil, err
	}
	scope, err := q.scope()
	if err != nil {
		return nil, err
	}
	filter, err := q.statuses()
	if err != nil {
		return nil, err
	}
	cids, err := q.cids()
	if err != nil {
		return nil, err
	}
	if len(cids) > 0 {
		return a.shownInfos(r.Context(), matching(a.statusOf(r.Context(), cids, scope), filter)), nil
	}
	return a.shownInfos(r.Context(), a.statusAll(r.Context(), filter, scope)), nil
}

// statusOf queries several CIDs, a few at a time, and yields their statuses in no
// order.
func (a *API) statusOf(ctx context.Context, cids []api.Cid, scope Scope) iter.Seq2[api.GlobalPinInfo, error] {
	type answer struct {
		info api.GlobalPinInfo
		err  error
	}
	return func(yield func(api.GlobalPinInfo, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		answers := make(chan answer, len(cids)) // so that nobody has to wait
		go func() {
			defer close(answers)
			var queries errgroup.Group
			queries.SetLimit(maxQueries)
			for _, c := range cids {
				queries.Go(func() error {
					info, err := a.status(ctx, c, scope)
					answers <- answer{info, err}
					return nil
				})
			}
			_ = queries.Wait() // always nil
		}()
		defer cancel()
		for answer := range answers {
			if !yield(answer.info, answer.err) {
				return
			}
		}
	}
}

// matching filters statuses as the lists of all CIDs do: it keeps the peers with a
// status of the filter, and the CIDs that have such a peer.
func matching(infos iter.Seq2[api.GlobalPinInfo, error], filter api.TrackerStatus) iter.Seq2[api.GlobalPinInfo, error] {
	return func(yield func(api.GlobalPinInfo, error) bool) {
		for info, err := range infos {
			if err == nil {
				peers := make(map[string]api.PinInfoShort, len(info.PeerMap))
				for id, status := range info.PeerMap {
					if status.Status.Match(filter) {
						peers[id] = status
					}
				}
				if info.PeerMap = peers; len(peers) == 0 {
					continue
				}
			}
			if !yield(info, err) {
				return
			}
		}
	}
}
