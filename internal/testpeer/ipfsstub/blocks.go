package ipfsstub

import (
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multicodec"
	"github.com/multiformats/go-multihash"
)

// serveBlockPut stores the blocks of a multipart body and answers with a
// stream of their CIDs.
func (s *Stub) serveBlockPut(w http.ResponseWriter, r *http.Request) {
	builder, err := builderFrom(r.URL.Query())
	if err != nil {
		fail(w, "%v", err)
		return
	}
	parts, err := r.MultipartReader()
	if err != nil {
		fail(w, "%v", err)
		return
	}
	// Answers go out while blocks still come in.
	http.NewResponseController(w).EnableFullDuplex()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Trailer", "X-Stream-Error")
	if err := s.storeParts(w, parts, builder); err != nil {
		w.Header().Set("X-Stream-Error", err.Error())
	}
}

func (s *Stub) storeParts(w io.Writer, parts *multipart.Reader, builder cid.Builder) error {
	enc := json.NewEncoder(w)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		c, err := builder.Sum(data)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.blocks[string(c.Hash())] = data
		s.mu.Unlock()
		if err := enc.Encode(object{"Key": c.String(), "Size": len(data)}); err != nil {
			return err
		}
	}
}

// builderFrom reads how the CIDs of blocks are made; Kubo's defaults.
func builderFrom(q url.Values) (cid.Builder, error) {
	codec, hash := multicodec.Raw, uint64(multihash.SHA2_256)
	if name := q.Get("cid-codec"); name != "" {
		if err := codec.Set(name); err != nil {
			return nil, err
		}
	}
	if name := q.Get("mhtype"); name != "" {
		code, ok := multihash.Names[name]
		if !ok {
			return nil, errors.New("unknown mhtype " + name)
		}
		hash = code
	}
	return cid.V1Builder{Codec: uint64(codec), MhType: hash}, nil
}

func (s *Stub) serveBlockGet(w http.ResponseWriter, r *http.Request) {
	c, err := argument(r, 0)
	if err != nil {
		fail(w, "%v", err)
		return
	}
	s.mu.Lock()
	data, ok := s.blocks[string(c.Hash())]
	s.mu.Unlock()
	if !ok {
		fail(w, "block was not found locally (offline): ipld: could not find %s", c)
		return
	}
	w.Write(data)
}
