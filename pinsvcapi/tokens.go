package pinsvcapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Decoded as a whole, a document of many tiny values takes twenty times its size
// in memory. So objects and arrays of strings are read value by value.

var errNoStrings = errors.New("not JSON of strings")

// eachEntry calls fn for every entry of a JSON object, or for none of null. The
// value is a string, nil, another scalar, or a json.Delim that begins something
// else, on which fn returns an error.
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

var errNull = errors.New("null")

// begin reads the beginning of an object or an array; of null it is errNull.
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

func ignoreNull(err error) error {
	if errors.Is(err, errNull) {
		return nil
	}
	return err
}

// end reads the end of an object or an array, after which there is nothing.
func end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	return atEnd(dec)
}

func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return errNoStrings
	}
	return nil
}
