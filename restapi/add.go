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

// add stores an upload, which is a form of files (multipart/form-data, as Kubo
// takes it), and answers while it comes in.
func (a *API) add(w http.ResponseWriter, r *http.Request) error {
	body := &uploadBody{ReadCloser: r.Body}
	r.Body = body
	content, params, err := a.parseUpload(r)
	if err != nil {
		body.failed = true
		return err
	}
	// HTTP/1 would have all of the body read before the answer begins. HTTP/2
	// needs nothing, and tests without a connection cannot.
	_ = http.NewResponseController(w).EnableFullDuplex()
	added := noted(r, a.cluster.Add(r.Context(), content, params), &body.failed)
	if !params.StreamChannels {
		return writeArray(w, r, added)
	}
	w.Header().Set("X-Chunked-Output", "1") // as Kubo says it, for browsers
	// Where the answer has begun, an error is its last object, in the form of any
	// other error: {"code":503,"message":"..."}. It is in the trailer, too, where
	// ipfs-cluster-ctl looks for it.
	return writeLines(w, r, added, func(err error) any { return failureBody(failure(err)) })
}

// linger is how long a connection stays open after an upload has failed. Clients
// that are still sending read the answer in this time: they would not find it any
// more if the connection was closed while they write to it.
const linger = time.Second

// endBody closes the body of an upload after its answer. net/http then reads a little
// more of it, or closes the connection. It would do so by itself, but, where the answer
// began before, at a moment at which the end of the body starts a second reader of the
// connection, and that is a panic.
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

// ownRest is how much of a body net/http reads itself, in bytes.
const ownRest = 256 << 10

// unread tells whether there is more left than net/http reads itself.
func (b *uploadBody) unread(length int64) bool {
	return length < 0 || length-b.n > ownRest
}

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
			return pinset.TooLarge("body: it has too many files and folders, or too long names, for max_inflight_bytes", nil)
		}
		if lease.Grow(bytes) != nil {
			return pinset.Unavailable("too many large requests at once", nil)
		}
		return nil
	}
}

// boundaryOf returns what separates the parts of a form.
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

// noted tells the audit line what was added last: the root, or, in shards, what
// holds them together.
// It also notes whether the upload has failed.
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

// writeArray answers with a sequence as one JSON document, when all of it is
// there.
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
