package pinsvcapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
)

// pinBody is a complete and valid Pin of a request (spec, schema Pin).
type pinBody struct {
	cid     cid.Cid
	name    string
	origins []string
	meta    map[string]string
}

// readPin reads the request's body, whatever its Content-Type, of at most
// limit bytes.
func readPin(r *http.Request, limit int64) (pinBody, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return pinBody{}, &Error{kind: kindTooLarge, details: "body: larger than the limit of this service", cause: err}
	case err != nil:
		return pinBody{}, &Error{kind: kindInvalid, details: "body: it could not be read to its end", cause: err}
	}
	return parsePin(raw)
}

// parsePin reads one JSON document. Unknown fields are ignored, null counts as
// absent; the error names the field that is wrong.
func parsePin(raw []byte) (pinBody, error) {
	// Keys are compared exactly, as JSON defines it, which decoding into a
	// struct would not do.
	var fields map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&fields); err != nil || fields == nil {
		return pinBody{}, invalid("body", "it is not a JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return pinBody{}, invalid("body", "there is data after the JSON object")
	}
	for k, v := range fields {
		if string(v) == "null" {
			delete(fields, k)
		}
	}
	var b pinBody
	for _, parse := range []func(map[string]json.RawMessage) error{
		b.parseCID, b.parseName, b.parseOrigins, b.parseMeta,
	} {
		if err := parse(fields); err != nil {
			return pinBody{}, err
		}
	}
	return b, nil
}

func (b *pinBody) parseCID(fields map[string]json.RawMessage) error {
	var text string
	raw, ok := fields["cid"]
	if !ok {
		return invalid("cid", "it is missing")
	}
	if json.Unmarshal(raw, &text) != nil {
		return invalid("cid", "it is not a string")
	}
	c, err := parseCID("cid", text)
	if err == nil {
		err = checkPinnable("cid", c)
	}
	b.cid = c
	return err
}

func (b *pinBody) parseName(fields map[string]json.RawMessage) error {
	raw, ok := fields["name"]
	if !ok {
		return nil
	}
	if json.Unmarshal(raw, &b.name) != nil {
		return invalid("name", "it is not a string")
	}
	return checkName(b.name)
}

func (b *pinBody) parseMeta(fields map[string]json.RawMessage) error {
	raw, ok := fields["meta"]
	if !ok {
		return nil
	}
	meta, err := parseMeta(raw)
	if len(meta) > 0 {
		b.meta = meta
	}
	return err
}

// parseOrigins keeps the origins that can be dialled. They are hints: only a
// list that is no list of strings is an error, its content never is.
func (b *pinBody) parseOrigins(fields map[string]json.RawMessage) error {
	raw, ok := fields["origins"]
	if !ok {
		return nil
	}
	var texts []*string
	if json.Unmarshal(raw, &texts) != nil || slices.Contains(texts, nil) {
		return invalid("origins", "it is not an array of strings")
	}
	for _, text := range texts {
		addr, err := multiaddr.NewMultiaddr(*text)
		if err != nil {
			continue
		}
		if _, err := addr.ValueForProtocol(multiaddr.P_P2P); err != nil {
			continue
		}
		if s := addr.String(); !slices.Contains(b.origins, s) && len(b.origins) < maxOrigins {
			b.origins = append(b.origins, s)
		}
	}
	return nil
}
