package restapi

import (
	"iter"
	"mime"
	"net/http"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"

	"github.com/ipfs-cluster/pinsvc/common"
)

// add stores an upload, which is a form of files (multipart/form-data, as Kubo
// takes it), and answers while it comes in.
func (a *API) add(w http.ResponseWriter, r *http.Request) {
	content, params, err := a.parseUpload(r)
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

// readRest ends the reading of a body, of which net/http reads a little more, or
// closes the connection. net/http does so by itself, but, where the answer began
// before, at a moment at which the end of the body starts a second reader of the
// connection, and that is a panic.
func readRest(r *http.Request) { _ = r.Body.Close() }

func (a *API) parseUpload(r *http.Request) (files.Directory, api.AddParams, error) {
	q, err := parseQuery(r)
	if err != nil {
		return nil, api.AddParams{}, err
	}
	params, err := q.addParams()
	if err != nil {
		return nil, api.AddParams{}, err
	}
	boundary, err := boundaryOf(r)
	if err != nil {
		return nil, api.AddParams{}, err
	}
	lease := common.LeaseOf(r.Context())
	if err := lease.Wait(r.Context(), uploadBytes); err != nil {
		return nil, api.AddParams{}, err
	}
	u := newUpload(r.Body, boundary, a.grower(lease))
	u.car = params.Format == "car"
	if most := mostContent(params.Chunker); most > 0 {
		u.tiny = &tinyChunks{left: &most, chunker: params.Chunker}
	}
	return u.root(), params, nil
}

// uploadBytes is what an upload has in memory whatever is in it: a chunk, and
// blocks that wait to be stored.
const uploadBytes = 2 << 20

// grower returns what takes memory for the files and folders of an upload.
func (a *API) grower(lease *common.Lease) func(int64) error {
	total := int64(uploadBytes)
	return func(bytes int64) error {
		if total += bytes; total > a.budget.Size() {
			return &Error{kind: kindTooLarge, details: "body: it has too many files and folders, or too long names, for max_inflight_bytes"}
		}
		if lease.Grow(bytes) != nil {
			return Unavailable("too many large requests at once", nil)
		}
		return nil
	}
}

// boundaryOf returns what separates the parts of a form.
func boundaryOf(r *http.Request) (string, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" && kind != "multipart/mixed" {
		return "", Invalid("body", "%v", http.ErrNotMultipart)
	}
	if params["boundary"] == "" {
		return "", Invalid("body", "%v", http.ErrMissingBoundary)
	}
	return params["boundary"], nil
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
