package pinsvcapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Objects and arrays of strings are read value by value: decoded as a whole, a document
// of many tiny values takes twenty times its size in memory.

// errNoStrings is never shown: the error of a client names the field.
var errNoStrings = errors.New("not JSON of strings")

// eachEntry calls fn for every entry of a JSON object, never for null. The value is a
// string, nil, another scalar, or the json.Delim that begins an object or array, for
// which fn has to return an error.
func eachEntry(raw []byte, fn func(key string, value any) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := begin(dec, '{'); err != nil {
		return ignoreNull(err)
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // it is one, or the decoder fails
		value, err := dec.Token()
		if err != nil {
			return err
		}
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return end(dec)
}

// eachString calls fn for every element of a JSON array of strings.
func eachString(raw []byte, fn func(string)) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := begin(dec, '['); err != nil {
		return ignoreNull(err)
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		text, is := token.(string)
		if !is {
			return errNoStrings
		}
		fn(text)
	}
	return end(dec)
}

// errNull is returned for JSON null in place of an object or array.
var errNull = errors.New("null")

// begin reads the first token of an object or array. It returns errNull for null.
func begin(dec *json.Decoder, want json.Delim) error {
	switch token, err := dec.Token(); {
	case err != nil:
		return err
	case token == nil:
		if err := atEnd(dec); err != nil {
			return err
		}
		return errNull
	case token != want:
		return errNoStrings
	}
	return nil
}

// ignoreNull returns an error other than errNull.
func ignoreNull(err error) error {
	if errors.Is(err, errNull) {
		return nil
	}
	return err
}

// end reads the last token of an object or array, which has to end the document.
func end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	return atEnd(dec)
}

// atEnd returns an error when the document has more tokens.
func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return errNoStrings
	}
	return nil
}
