package restapi

import (
	"net/http"

	"github.com/ipfs-cluster/pinsvc/common"
)

// handler is a route that answers with one value.
type handler = func(*http.Request) (any, error)

// pathRoute matches an IPFS path, with slashes.
const pathRoute = "/pins/{namespace:ipfs|ipns|ipld}/{path:.*}"

// routes are all endpoints but those for tokens and health, which package common adds.
// Those about the pinset answer 503 until the peer is ready; the others may help to
// find out why it is not.
func (a *API) routes() []common.Route {
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	const ok, none = http.StatusOK, http.StatusNoContent
	return append([]common.Route{
		{Method: get, Path: "/id", Status: ok, Handle: a.getID},
		{Method: get, Path: "/version", Status: ok, Handle: a.getVersion},
		{Method: get, Path: "/peers", Stream: streamed(a.listPeers)},
		{Method: post, Path: "/peers", Status: ok, Handle: a.addPeer},
		{Method: del, Path: "/peers/{peer}", Status: none, Handle: a.removePeer},

		{Method: post, Path: "/add", Stream: a.ready.Stream(a.add), Done: endBody},
		{Method: get, Path: "/allocations", Stream: a.ready.Stream(a.withRoomStream(streamed(a.listAllocations)))},
		{Method: get, Path: "/allocations/{cid}", Status: ok, Handle: a.ready.Handle(a.withRoom(a.getAllocation))},
		{Method: get, Path: "/pins", Stream: a.ready.Stream(a.withRoomStream(streamed(a.listStatus)))},
		{Method: post, Path: "/pins/recover", Stream: a.ready.Stream(a.withRoomStream(streamed(a.recoverAll)))},
		{Method: get, Path: "/pins/{cid}", Status: ok, Handle: a.ready.Handle(a.withRoom(a.getStatus))},
		{Method: post, Path: "/pins/{cid}", Status: ok, Handle: a.ready.Handle(a.withRoom(a.pin))},
		{Method: del, Path: "/pins/{cid}", Status: ok, Handle: a.ready.Handle(a.withRoom(a.unpin))},
		{Method: post, Path: "/pins/{cid}/recover", Status: ok, Handle: a.ready.Handle(a.withRoom(a.recoverPin))},
		{Method: post, Path: pathRoute, Status: ok, Slow: true, Handle: a.ready.Handle(a.pinPath)},
		{Method: del, Path: pathRoute, Status: ok, Slow: true, Handle: a.ready.Handle(a.unpinPath)},

		{Method: get, Path: "/health/graph", Status: ok, Handle: a.getGraph},
		{Method: get, Path: "/health/alerts", Status: ok, Handle: a.getAlerts},
		{Method: get, Path: "/health/bandwidth", Status: ok, Handle: a.getBandwidth},
		{Method: get, Path: "/monitor/metrics", Status: ok, Handle: a.getMetricNames},
		{Method: get, Path: "/monitor/metrics/{name}", Status: ok, Handle: a.getMetrics},
		{Method: get, Path: "/ipfs/verify", Status: ok, Handle: a.ready.Handle(a.getBlockHealth)},
		{Method: post, Path: "/ipfs/verify", Stream: a.ready.Stream(streamed(a.verifyBlocks))},
		{Method: post, Path: "/ipfs/gc", Status: ok, Slow: true, Handle: a.collectGarbage},
	}, pageRoutes()...)
}
