package restapi

import (
	"io"
	"iter"
	"net/http"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"

	"github.com/ipfs-cluster/pinsvc/common"
)

// add stores an upload, which is a form of files (multipart/form-data, as Kubo
// takes it), and answers while it comes in.
func (a *API) add(w http.ResponseWriter, r *http.Request) {
	content, params, err := parseUpload(r)
	if err != nil {
		common.Fail(w, r, err)
		return
	}
	// HTTP/1 would have all of the body read before the answer begins. HTTP/2
	// needs nothing, and tests without a connection cannot.
	_ = http.NewResponseController(w).EnableFullDuplex()
	defer readRest(r)
	added := noted(r, a.cluster.Add(r.Context(), content, params))
	if !params.StreamChannels {
		writeArray(w, r, added)
		return
	}
	w.Header().Set("X-Chunked-Output", "1") // as Kubo says it, for browsers
	writeLines(w, r, added)
}

// maxRest is how much of an upload that failed is still read, in bytes. It is
// net/http's own bound: beyond it the connection is closed.
const maxRest = 256 << 10

// readRest reads what is left of a body. net/http does so by itself, but, where
// the answer began before, at a moment at which the end of the body starts a
// second reader of the connection: the next request on it is then cut off.
func readRest(r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, maxRest)
}

func parseUpload(r *http.Request) (files.Directory, api.AddParams, error) {
	q, err := parseQuery(r)
	if err != nil {
		return nil, api.AddParams{}, err
	}
	params, err := q.addParams()
	if err != nil {
		return nil, api.AddParams{}, err
	}
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, api.AddParams{}, Invalid("body", "%v", err)
	}
	content, err := files.NewFileFromPartReader(reader, "multipart/form-data")
	if err != nil {
		return nil, api.AddParams{}, Invalid("body", "%v", err)
	}
	return content, params, nil
}

// noted tells the audit line what was added last: the root, or, in shards, what
// holds them together.
func noted(r *http.Request, added iter.Seq2[api.AddedOutput, error]) iter.Seq2[api.AddedOutput, error] {
	return func(yield func(api.AddedOutput, error) bool) {
		last := api.CidUndef
		defer func() {
			if last.Defined() {
				common.Note(r.Context(), "cid", last.String())
			}
		}()
		for output, err := range added {
			if err == nil && output.Cid.Defined() {
				last = output.Cid
			}
			if !yield(output, err) {
				return
			}
		}
	}
}

// writeArray answers with a sequence as one JSON document, when all of it is
// there.
func writeArray[T any](w http.ResponseWriter, r *http.Request, values iter.Seq2[T, error]) {
	all := []T{}
	for v, err := range values {
		if err != nil {
			common.Fail(w, r, err)
			return
		}
		all = append(all, v)
	}
	common.Respond(w, r, http.StatusOK, all)
}
