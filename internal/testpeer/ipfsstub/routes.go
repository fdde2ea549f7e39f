package ipfsstub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

const prefix = "/api/v0/"

// storageMax is what repo/stat and config/show say of the disk, in bytes.
const storageMax = 1 << 40

// routes are the endpoints, all of them POST.
func (s *Stub) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"id":            s.serveID,
		"version":       serveVersion,
		"config/show":   serveConfig,
		"repo/stat":     s.serveRepoStat,
		"repo/gc":       serveNothing,
		"resolve":       serveResolve,
		"swarm/peers":   servePeers,
		"swarm/connect": serveConnect,
		"pin/add":       s.servePinAdd,
		"pin/rm":        s.servePinRm,
		"pin/ls":        s.servePinLs,
		"pin/update":    s.servePinUpdate,
		"block/put":     s.serveBlockPut,
		"block/get":     s.serveBlockGet,
	}
}

// object is a JSON object of an answer.
type object map[string]any

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// fail answers like Kubo does, whose errors are 500 with a message.
func fail(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	json.NewEncoder(w).Encode(object{"Message": fmt.Sprintf(format, args...), "Code": 0, "Type": "error"})
}

// argument reads the n-th `arg` as a CID. A path's first segment counts.
func argument(r *http.Request, n int) (cid.Cid, error) {
	args := r.URL.Query()["arg"]
	if n >= len(args) {
		return cid.Undef, fmt.Errorf("argument %d is missing", n+1)
	}
	word, _, _ := strings.Cut(strings.TrimPrefix(args[n], "/ipfs/"), "/")
	return cid.Decode(word)
}

func serveNothing(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusOK)
}

func (s *Stub) serveID(w http.ResponseWriter, _ *http.Request) {
	address := fmt.Sprintf("/ip4/127.0.0.1/tcp/4001/p2p/%s", s.id)
	reply(w, object{"ID": s.id.String(), "Addresses": []string{address}})
}

func serveVersion(w http.ResponseWriter, _ *http.Request) {
	reply(w, object{"Version": "0.43.0", "Repo": "18"})
}

func serveConfig(w http.ResponseWriter, _ *http.Request) {
	reply(w, object{"Datastore": object{"StorageMax": "1TB"}})
}

func (s *Stub) serveRepoStat(w http.ResponseWriter, _ *http.Request) {
	reply(w, object{"RepoSize": s.pins.len(), "StorageMax": storageMax})
}

func servePeers(w http.ResponseWriter, _ *http.Request) {
	reply(w, object{"Peers": []object{}})
}

func serveConnect(w http.ResponseWriter, r *http.Request) {
	reply(w, object{"Strings": []string{"connect " + r.URL.Query().Get("arg") + " success"}})
}

// serveResolve makes up a CID out of the path: the same path, the same CID.
func serveResolve(w http.ResponseWriter, r *http.Request) {
	hash, err := multihash.Sum([]byte(r.URL.Query().Get("arg")), multihash.SHA2_256, -1)
	if err != nil {
		fail(w, "%v", err)
		return
	}
	reply(w, object{"Path": "/ipfs/" + cid.NewCidV1(cid.Raw, hash).String()})
}
