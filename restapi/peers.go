package restapi

import (
	"encoding/json"
	"io"
	"iter"
	"net/http"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// maxPeerBody is enough for a body with a peer ID, in bytes.
const maxPeerBody = 4096

func (a *API) getID(r *http.Request) (any, error) {
	return value(a.cluster.ID(r.Context()))
}

func (a *API) getVersion(r *http.Request) (any, error) {
	return value(a.cluster.Version(r.Context()))
}

// listPeers lists the peers of the cluster. One that does not answer is listed with an
// error.
func (a *API) listPeers(r *http.Request) (iter.Seq2[api.ID, error], error) {
	return a.cluster.Peers(r.Context()), nil
}

// addPeer adds a peer to a Raft cluster. On CRDT it only connects to it.
func (a *API) addPeer(r *http.Request) (any, error) {
	var body struct {
		PeerID string `json:"peer_id"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxPeerBody)).Decode(&body); err != nil {
		return nil, pinset.Invalid("body", "it is not a JSON object such as {\"peer_id\":\"12D3...\"}")
	}
	id, err := parsePeer("peer_id", body.PeerID)
	if err != nil {
		return nil, err
	}
	common.Note(r.Context(), "peer", id.String())
	return value(a.cluster.PeerAdd(r.Context(), id))
}

// removePeer removes a peer from a Raft cluster. On CRDT it is an error (400).
func (a *API) removePeer(r *http.Request) (any, error) {
	text, err := common.PathVar(r, "peer")
	if err != nil {
		return nil, err
	}
	id, err := parsePeer("peer", text)
	if err != nil {
		return nil, err
	}
	return nil, a.cluster.PeerRemove(r.Context(), id)
}

// parsePeer parses a peer ID in any encoding. The error names the parameter.
func parsePeer(name, text string) (peer.ID, error) {
	id, err := peer.Decode(text)
	if err != nil {
		return "", pinset.Invalid(name, "%q is not a peer ID", text)
	}
	return id, nil
}

// getGraph returns the connections between peers and to their IPFS nodes, as each peer
// reports its own.
func (a *API) getGraph(r *http.Request) (any, error) {
	return value(a.cluster.ConnectGraph(r.Context()))
}

// getAlerts returns the metrics of peers that have expired, the latest ones.
func (a *API) getAlerts(r *http.Request) (any, error) {
	return list(a.cluster.Alerts(r.Context()))
}

func (a *API) getBandwidth(r *http.Request) (any, error) {
	return value(a.cluster.Bandwidth(r.Context()))
}

func (a *API) getMetricNames(r *http.Request) (any, error) {
	return list(a.cluster.MetricNames(r.Context()))
}

// getMetrics returns the latest metric of a name of each peer.
func (a *API) getMetrics(r *http.Request) (any, error) {
	name, err := common.PathVar(r, "name")
	if err != nil {
		return nil, err
	}
	return list(a.cluster.Metrics(r.Context(), name))
}

// collectGarbage removes unpinned blocks from IPFS nodes, which may take hours.
func (a *API) collectGarbage(r *http.Request) (any, error) {
	q, err := parseQuery(r)
	if err != nil {
		return nil, err
	}
	scope, err := q.scope()
	if err != nil {
		return nil, err
	}
	return value(a.cluster.CollectGarbage(r.Context(), scope))
}

// value returns a typed result as that of a route.
func value[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// list is value for a slice, which is never null in JSON.
func list[T any](v []T, err error) (any, error) {
	if v == nil {
		v = []T{}
	}
	return value(v, err)
}
