package restapi

import (
	"io"
	"iter"
	"mime"
	"net/http"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// add stores an upload: a form of files (multipart/form-data, as for Kubo). It responds
// while the upload is still being read.
func (a *API) add(w http.ResponseWriter, r *http.Request) error {
	body := &uploadBody{ReadCloser: r.Body}
	r.Body = body
	content, params, err := a.parseUpload(r)
	if err != nil {
		body.failed = true
		return err
	}
	// Without it, net/http reads the whole body of HTTP/1 before the response
	// begins. HTTP/2 does not need it, and tests without a connection cannot do it.
	_ = http.NewResponseController(w).EnableFullDuplex()
	added := noted(r, a.cluster.Add(r.Context(), content, params), &body.failed)
	if !params.StreamChannels {
		return writeArray(w, r, added)
	}
	w.Header().Set("X-Chunked-Output", "1") // as Kubo says it, for browsers
	// An error after the response has begun is its last object, in the form of any
	// other error: {"code":503,"message":"..."}. It is also in the trailer, where
	// ipfs-cluster-ctl looks for it.
	return writeLines(w, r, added, func(err error) any { return failureBody(failure(err)) })
}

// linger is how long a connection stays open after an upload has failed, for clients
// that are still sending. If it was closed while they write, most would report the
// write error and not read the response.
const linger = time.Second

// endBody closes the body of an upload after the response. net/http then reads a little
// more of it, or closes the connection. Without this call it does so by itself, but too
// late for a response that began before the end of the body: then the end of the body
// starts a second reader of the connection, which panics.
func endBody(w http.ResponseWriter, r *http.Request) {
	body, ok := r.Body.(*uploadBody)
	if !ok {
		return // the upload was refused before add
	}
	wait := body.failed && body.unread(r.ContentLength)
	if wait && http.NewResponseController(w).Flush() == nil && r.ProtoMajor == 1 {
		timer := time.NewTimer(linger)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	_ = body.Close()
}

// uploadBody is the body of an upload; n is how many bytes were read of it.
type uploadBody struct {
	io.ReadCloser
	n      int64
	failed bool // the upload
}

// Read implements io.Reader.
func (b *uploadBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}

// ownRest is how much of a body net/http reads by itself after a response, in bytes.
const ownRest = 256 << 10

// unread reports whether more is left than net/http reads by itself.
func (b *uploadBody) unread(length int64) bool {
	return length < 0 || length-b.n > ownRest
}

// parseUpload returns the content and the parameters of an upload, with memory for it
// in the request's lease. The content is read from the body later, once.
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

// uploadBytes is the memory of any upload: a chunk, and the blocks that wait to be
// stored.
const uploadBytes = 2 << 20

// grower returns a function that reserves memory for the files and folders of an upload. It returns an error when they take more than one request may, or all requests together.
func (a *API) grower(lease *common.Lease) func(int64) error {
	total := int64(uploadBytes)
	return func(bytes int64) error {
		if total += bytes; total > a.budget.Size() {
			return pinset.TooLarge("body: it has too many files and folders, or too long names, for max_inflight_bytes", nil)
		}
		if lease.Grow(bytes) != nil {
			return pinset.Unavailable("too many large requests at once", nil)
		}
		return nil
	}
}

// boundaryOf returns the boundary between the parts of a form.
func boundaryOf(r *http.Request) (string, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" && kind != "multipart/mixed" {
		return "", pinset.Invalid("body", "%v", http.ErrNotMultipart)
	}
	if params["boundary"] == "" {
		return "", pinset.Invalid("body", "%v", http.ErrMissingBoundary)
	}
	return params["boundary"], nil
}

// noted adds the last CID of a sequence to the audit log: the root, or, for a sharded
// add, the one that refers to its shards. It sets failed when the sequence has an
// error.
func noted(r *http.Request, added iter.Seq2[api.AddedOutput, error], failed *bool) iter.Seq2[api.AddedOutput, error] {
	return func(yield func(api.AddedOutput, error) bool) {
		last := api.CidUndef
		defer func() {
			if last.Defined() {
				common.Note(r.Context(), "cid", last.String())
			}
		}()
		for output, err := range added {
			*failed = *failed || err != nil
			if err == nil && output.Cid.Defined() {
				last = output.Cid
			}
			if !yield(output, err) {
				return
			}
		}
	}
}

// writeArray responds with a sequence as one JSON array, once it is complete.
func writeArray[T any](w http.ResponseWriter, r *http.Request, values iter.Seq2[T, error]) error {
	all := []T{}
	for v, err := range values {
		if err != nil {
			return err
		}
		all = append(all, v)
	}
	return common.WriteJSON(w, r, http.StatusOK, all)
}
