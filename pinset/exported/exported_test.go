package exported_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/pinset/exported"
)

// read returns the names of the pins in a text.
func read(t testing.TB, text io.Reader) (names []string, err error) {
	t.Helper()
	err = exported.Each(t.Context(), &exported.Pins{Text: text},
		func(p api.Pin) (string, error) { return p.Name, nil },
		func(all []string) error { names = append(names, all...); return nil })
	return names, err
}

// oneByOne reads a text with a decoder and nothing else.
func oneByOne(text io.Reader) (names []string, err error) {
	for dec := json.NewDecoder(text); ; {
		var p api.Pin
		if err = dec.Decode(&p); err == io.EOF {
			return names, nil
		}
		if err == nil && !p.Cid.Defined() {
			err = errors.New("has no cid")
		}
		if err != nil {
			return names, err
		}
		names = append(names, p.Name)
	}
}

const oneCID = "bafkreictdlq54ncz3vxvhwmnwk7etmfdrf5bcvm4jzllseu2mvtsd3t6fa"

func pinNamed(t testing.TB, name string) string {
	t.Helper()
	quoted, err := json.Marshal(name)
	require.NoError(t, err)
	return fmt.Sprintf(`{"cid":%q,"type":"pin","name":%s}`, oneCID, quoted)
}

// The order is that of the text, however many parts there are.
func TestOrder(t *testing.T) {
	var text bytes.Buffer
	const n = 5000
	require.NoError(t, fixture.Set{N: n}.Export(&text))
	want, err := oneByOne(bytes.NewReader(text.Bytes()))
	require.NoError(t, err)
	require.Len(t, want, n)
	last := 0
	var names []string
	err = exported.Each(t.Context(), &exported.Pins{Text: &text, Progress: func(pins int) {
		require.Equal(t, last+1, pins)
		last = pins
	}}, func(p api.Pin) (string, error) { return p.Name, nil }, func(all []string) error {
		names = append(names, all...)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, want, names)
	require.Equal(t, n, last)
}

// The ends of pins are found whatever is in them, and wherever a read ends.
func TestTexts(t *testing.T) {
	strange := []string{`"`, `\`, `\"`, `\\`, `{`, `}`, `]}`, `\\"}{`, "\n}{\n", "é\u2028", strings.Repeat("x", 100_000), ""}
	var lines, dense, indented strings.Builder
	for _, name := range strange {
		fmt.Fprintln(&lines, pinNamed(t, name))
		dense.WriteString(pinNamed(t, name))
		var out bytes.Buffer
		require.NoError(t, json.Indent(&out, []byte(pinNamed(t, name)), "", "\t"))
		fmt.Fprintf(&indented, "\r\n \t%s", &out)
	}
	huge := pinNamed(t, strings.Repeat("{", 17<<20))
	for name, text := range map[string]string{
		"lines": lines.String(), "dense": dense.String(), "indented": indented.String(),
		"larger than what is held": pinNamed(t, "a") + huge + pinNamed(t, "b"),
	} {
		want, err := oneByOne(strings.NewReader(text))
		require.NoError(t, err)
		readers := map[string]io.Reader{"whole": strings.NewReader(text), "halves": iotest.HalfReader(strings.NewReader(text)),
			"data with the end": iotest.DataErrReader(strings.NewReader(text))}
		if len(text) < 1<<20 {
			readers["bytes"] = iotest.OneByteReader(strings.NewReader(text))
		}
		for how, r := range readers {
			got, err := read(t, r)
			require.NoError(t, err, "%s, %s", name, how)
			require.Equal(t, want, got, "%s, %s", name, how)
		}
	}
}

// An error names the pin, and what comes before it was used.
func TestErrors(t *testing.T) {
	many := strings.Repeat(pinNamed(t, strings.Repeat("x", 1000))+"\n", 400) // several parts
	for name, tt := range map[string]struct {
		text io.Reader
		pins int
		want string
	}{
		"nothing":             {strings.NewReader(""), 0, "there are no pins"},
		"white space":         {strings.NewReader(" \r\n\t "), 0, "there are no pins"},
		"a word":              {strings.NewReader("nonsense"), 0, "pin 1: invalid character 'o'"},
		"null":                {strings.NewReader(many + "null"), 400, "pin 401: has no cid"},
		"a number":            {strings.NewReader(many + "1 " + many), 400, "pin 401: json: cannot unmarshal number"},
		"a list":              {strings.NewReader("[" + pinNamed(t, "x") + "]"), 0, "pin 1: json: cannot unmarshal array"},
		"a bracket too many":  {strings.NewReader(many + "}" + many), 400, "pin 401: invalid character '}'"},
		"the wrong bracket":   {strings.NewReader(many + "{]" + many), 400, "pin 401: invalid character ']'"},
		"a pin without a CID": {strings.NewReader(many + "{}\n" + many), 400, "pin 401: has no cid"},
		"a broken pin":        {strings.NewReader(many + "{broken}\n" + many), 400, "pin 401: invalid character 'b'"},
		"cut off":             {strings.NewReader(many + pinNamed(t, "x")[:30]), 400, "pin 401: unexpected EOF"},
		"cut off in a string": {strings.NewReader(many + `{"name":"x`), 400, "pin 401: unexpected EOF"},
		"zeros":               {strings.NewReader(many + strings.Repeat("\x00", 1<<20)), 400, `pin 401: invalid character '\x00'`},
		"a reader that fails": {io.MultiReader(strings.NewReader(many+`{"name":"x`), iotest.ErrReader(io.ErrClosedPipe)), 400, "pin 401: io: read/write on closed pipe"},
		"a text that ends too early": {io.MultiReader(strings.NewReader(many), iotest.ErrReader(io.ErrUnexpectedEOF)), 400,
			"pin 401: unexpected EOF"},
	} {
		got, err := read(t, tt.text)
		require.ErrorContains(t, err, tt.want, name)
		require.Len(t, got, tt.pins, name)
	}
}

func TestEnds(t *testing.T) {
	many := strings.Repeat(pinNamed(t, strings.Repeat("x", 1000))+"\n", 1000)
	keep := func(p api.Pin) (api.Pin, error) { return p, nil }
	used := 0
	enough := errors.New("enough")
	err := exported.Each(t.Context(), &exported.Pins{Text: strings.NewReader(many)}, keep, func(all []api.Pin) error {
		used += len(all)
		return enough
	})
	require.ErrorIs(t, err, enough)
	require.Less(t, used, 1000)

	ctx, cancel := context.WithCancelCause(t.Context())
	err = exported.Each(ctx, &exported.Pins{Text: strings.NewReader(many)}, keep, func([]api.Pin) error {
		cancel(enough)
		return nil
	})
	require.ErrorIs(t, err, enough)

	refuse := func(p api.Pin) (api.Pin, error) { return p, enough }
	nothing := func(all []api.Pin) error { require.Empty(t, all); return nil }
	require.ErrorContains(t, exported.Each(t.Context(), &exported.Pins{Text: strings.NewReader(many), Change: refuse}, keep, nothing), "pin 1: enough")
	require.ErrorContains(t, exported.Each(t.Context(), &exported.Pins{Text: strings.NewReader(many)}, refuse, nothing), "pin 1: enough")
}

// FuzzEach: the pins, and whether there is an error, are those of a decoder that
// reads the text from end to end.
func FuzzEach(f *testing.F) {
	for _, text := range []string{"", "{}", pinNamed(f, "a"), pinNamed(f, `"\{`) + pinNamed(f, "b") + "]", "1", `{"name":"\`, "[{]}", `""`, "{\"a\":[}]"} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, every int) {
		if every > 0 { // longer than one part
			text += strings.Repeat(pinNamed(t, strings.Repeat("{\\", every%100)), 400) + text
		}
		want, wantErr := oneByOne(strings.NewReader(text))
		got, err := read(t, strings.NewReader(text))
		require.Equal(t, want, got)
		if len(want) == 0 && wantErr == nil {
			require.ErrorIs(t, err, exported.ErrNone)
			return
		}
		require.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
	})
}
