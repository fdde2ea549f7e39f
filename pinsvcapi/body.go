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

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// pinBody is a complete and valid Pin of a request (spec, schema Pin).
type pinBody struct {
	cid     cid.Cid
	name    string
	origins []string
	meta    map[string]string
}

// readPin reads a request's body of at most limit bytes. It ignores the Content-Type.
// Errors: pinset.ErrInvalid, pinset.ErrTooLarge, or those of common.ReadBody when
// memory is short.
func readPin(r *http.Request, limit int64) (pinBody, error) {
	raw, err := common.ReadBody(r, limit)
	var tooLarge *http.MaxBytesError
	switch {
	case common.IsMemoryShort(err):
		return pinBody{}, err
	case errors.As(err, &tooLarge):
		return pinBody{}, pinset.TooLarge("body: larger than the limit of this service", err)
	case err != nil:
		return pinBody{}, &pinset.Error{Kind: pinset.KindInvalid, Details: "body: it could not be read to its end", Cause: err}
	}
	b, err := parsePin(raw)
	common.LeaseOf(r.Context()).Shrink(int64(cap(raw))) // the pin has a room of its own when it is written
	return b, err
}

// parsePin parses one JSON document. Unknown fields are ignored, null counts as absent.
// The error names the wrong field.
func parsePin(raw []byte) (pinBody, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	fields, err := pinFields(dec)
	if err != nil {
		return pinBody{}, pinset.Invalid("body", "it is not a JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return pinBody{}, pinset.Invalid("body", "there is data after the JSON object")
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

// pinFields reads the fields of a pin from a JSON object and skips all others, so that
// they take no memory. Keys are compared exactly, as JSON defines it, while
// encoding/json ignores case when it decodes into a struct.
func pinFields(dec *json.Decoder) (map[string]json.RawMessage, error) {
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, errNoObject
	}
	fields := make(map[string]json.RawMessage, 4)
	var unknown json.RawMessage
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		into := &unknown
		name, _ := key.(string) // it is one, or the decoder fails
		known := name == "cid" || name == "name" || name == "meta" || name == "origins"
		if known {
			into = new(json.RawMessage)
		}
		if err := dec.Decode(into); err != nil {
			return nil, err
		}
		switch {
		case known && string(*into) == "null":
			delete(fields, name)
		case known:
			fields[name] = *into
		}
	}
	_, err := dec.Token() // the end of the object
	return fields, err
}

// errNoObject is never shown: the error of a client names the field.
var errNoObject = errors.New("not a JSON object")

// parseCID parses the one field that is required.
func (b *pinBody) parseCID(fields map[string]json.RawMessage) error {
	var text string
	raw, ok := fields["cid"]
	if !ok {
		return pinset.Invalid("cid", "it is missing")
	}
	if json.Unmarshal(raw, &text) != nil {
		return pinset.Invalid("cid", "it is not a string")
	}
	c, err := parseCID("cid", text)
	if err == nil {
		err = checkPinnable("cid", c)
	}
	b.cid = c
	return err
}

// parseName parses a name of at most maxName characters.
func (b *pinBody) parseName(fields map[string]json.RawMessage) error {
	raw, ok := fields["name"]
	if !ok {
		return nil
	}
	if json.Unmarshal(raw, &b.name) != nil {
		return pinset.Invalid("name", "it is not a string")
	}
	return checkName(b.name)
}

// parseMeta parses meta, which must not have reserved keys.
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

// parseOrigins keeps the origins that can be dialled. They are hints, so their content
// is never an error, but the field has to be a list of strings.
func (b *pinBody) parseOrigins(fields map[string]json.RawMessage) error {
	raw, ok := fields["origins"]
	if !ok {
		return nil
	}
	if eachString(raw, b.addOrigin) != nil {
		return pinset.Invalid("origins", "it is not an array of strings")
	}
	return nil
}

// addOrigin adds an origin if it can be dialled and the list is not full.
func (b *pinBody) addOrigin(text string) {
	if len(b.origins) == maxOrigins {
		return
	}
	addr, err := multiaddr.NewMultiaddr(text)
	if err != nil {
		return
	}
	if _, err := addr.ValueForProtocol(multiaddr.P_P2P); err != nil {
		return
	}
	if s := addr.String(); !slices.Contains(b.origins, s) {
		b.origins = append(b.origins, s)
	}
}
