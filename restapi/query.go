package restapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/path"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// metadataPrefix is the prefix of parameters that are metadata of a pin.
const metadataPrefix = "meta-"

// query are the parameters of a request. Unknown ones are ignored; an empty one counts
// as absent.
type query struct{ url.Values }

// parseQuery parses the query of a request. Unlike url.URL.Query, it reports malformed
// ones.
func parseQuery(r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, pinset.Invalid("query", "%v", err)
	}
	return query{values}, nil
}

// parseCID parses the CID in a request's path.
func parseCID(r *http.Request) (api.Cid, error) {
	text, err := common.PathVar(r, "cid")
	if err != nil {
		return api.CidUndef, err
	}
	return decodeCID("cid", text)
}

// decodeCID parses a CID in any encoding. The error names the parameter.
func decodeCID(name, text string) (api.Cid, error) {
	c, err := api.DecodeCid(text)
	if err != nil {
		return api.CidUndef, pinset.Invalid(name, "%q is not a CID: %v", text, err)
	}
	return c, nil
}

// parsePinRequest parses the CID in a request's path and its parameters.
func parsePinRequest(r *http.Request) (api.Cid, query, error) {
	c, err := parseCID(r)
	if err != nil {
		return api.CidUndef, query{}, err
	}
	q, err := parseQuery(r)
	return c, q, err
}

// parsePath parses the IPFS path in a request's path, and its parameters.
func parsePath(r *http.Request) (string, query, error) {
	namespace, err := common.PathVar(r, "namespace")
	if err != nil {
		return "", query{}, err
	}
	rest, err := common.PathVar(r, "path")
	if err != nil {
		return "", query{}, err
	}
	p, err := path.NewPath("/" + namespace + "/" + rest)
	if err != nil {
		return "", query{}, pinset.Invalid("path", "%v", err)
	}
	q, err := parseQuery(r)
	return p.String(), q, err
}

// scope parses "local".
func (q query) scope() (Scope, error) {
	local, err := q.boolean("local")
	return Scope(local), err
}

// boolean parses a parameter that is false when it is absent.
func (q query) boolean(name string) (bool, error) {
	text := q.Get(name)
	if text == "" {
		return false, nil
	}
	is, err := strconv.ParseBool(text)
	if err != nil {
		return false, pinset.Invalid(name, "%q is neither true nor false", text)
	}
	return is, nil
}

// statuses parses "filter" as tracker statuses; 0 is any.
func (q query) statuses() (filter api.TrackerStatus, err error) {
	for word := range words(q.Get("filter")) {
		status := api.TrackerStatusFromString(word)
		if status == api.TrackerStatusUndefined {
			return 0, pinset.Invalid("filter", "%q is not a status", word)
		}
		filter |= status
	}
	return filter, nil
}

// pinTypes parses "filter" as types of pins.
func (q query) pinTypes() (filter api.PinType, err error) {
	for word := range words(q.Get("filter")) {
		t := api.PinTypeFromString(word)
		if t == api.BadType {
			return 0, pinset.Invalid("filter", "%q is not a type of pins", word)
		}
		filter |= t
	}
	if filter == 0 {
		filter = api.AllType
	}
	return filter, nil
}

// cids parses "cids" without duplicates.
func (q query) cids() ([]api.Cid, error) {
	var cids []api.Cid
	for word := range words(q.Get("cids")) {
		c, err := decodeCID("cids", word)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(cids, c) {
			cids = append(cids, c)
		}
	}
	return cids, nil
}

// words splits a list at its commas.
func words(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" && !yield(word) {
				return
			}
		}
	}
}

// pinOptions parses the options of a pin, in the library's form. It also finds some
// errors that the library ignores.
func (q query) pinOptions() (api.PinOptions, error) {
	if err := q.checkPinOptions(); err != nil {
		return api.PinOptions{}, err
	}
	var options api.PinOptions
	if err := options.FromQuery(q.Values); err != nil {
		return api.PinOptions{}, pinset.Invalid("query", "%v", err)
	}
	return options, nil
}

// checkPinOptions checks what the parser of the library ignores when it is wrong, and
// refuses reserved metadata keys, which a client must not set.
func (q query) checkPinOptions() error {
	switch mode := q.Get("mode"); mode {
	case "", "recursive", "direct":
	default:
		return pinset.Invalid("mode", "%q is neither recursive nor direct", mode)
	}
	if allocations := q.Get("user-allocations"); allocations != "" {
		for text := range strings.SplitSeq(allocations, ",") {
			if _, err := peer.Decode(text); err != nil {
				return pinset.Invalid("user-allocations", "%q is not a peer ID", text)
			}
		}
	}
	for name := range q.Values {
		if key, is := strings.CutPrefix(name, metadataPrefix); is && pinset.IsReserved(key) {
			return pinset.Invalid(name, "the metadata keys that begin with %q are reserved", pinset.ReservedPrefix)
		}
	}
	return nil
}

// addParams parses the parameters of an upload.
func (q query) addParams() (api.AddParams, error) {
	if err := q.checkPinOptions(); err != nil {
		return api.AddParams{}, err
	}
	params, err := api.AddParamsFromQuery(q.Values)
	if err != nil {
		return api.AddParams{}, pinset.Invalid("query", "%v", err)
	}
	if params.ShardSize == 0 {
		params.ShardSize = api.DefaultShardSize
	}
	return params, checkAddParams(params)
}
