package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	libconfig "github.com/ipfs-cluster/ipfs-cluster/config"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// The library's manager takes a section as one of its own.
var _ libconfig.ComponentConfig = (*Section[sample])(nil)

// sample is a section with every kind of field that sections have.
type sample struct {
	Shared
	Size    int                 `json:"size"`
	Names   []string            `json:"names"`
	Headers map[string][]string `json:"headers"`
	Fast    bool                `json:"fast"`
	Note    string              `json:"note,omitempty"`
}

// Shared is embedded, as the keys that all APIs share are.
type Shared struct {
	Address  Multiaddrs        `json:"address"`
	Extra    Multiaddrs        `json:"extra,omitempty"`
	Timeout  Duration          `json:"timeout"`
	Password Secret            `json:"password,omitempty" hidden:"true"`
	Users    map[string]string `json:"users" hidden:"true"`
}

func sampleDefaults() sample {
	return sample{
		Shared: Shared{
			Address: Multiaddrs{ma.StringCast("/ip4/127.0.0.1/tcp/9097")},
			Timeout: Duration(time.Minute),
		},
		Size:    10,
		Names:   []string{"a", "b"},
		Headers: map[string][]string{"X-Default": {"1"}},
	}
}

func newSample() *Section[sample] {
	return New(Spec[sample]{
		Group:    "api",
		Key:      "sample",
		Env:      "cluster_sample",
		Defaults: sampleDefaults,
		Validate: func(s *sample) []error {
			var mistakes []error
			if s.Size < 0 {
				mistakes = append(mistakes, KeyError("size", "must not be negative, is %d", s.Size))
			}
			if s.Timeout < 0 {
				mistakes = append(mistakes, KeyError("timeout", "must not be negative"))
			}
			return mistakes
		},
	})
}

// with returns the defaults after a change.
func with(change func(*sample)) sample {
	s := sampleDefaults()
	change(&s)
	return s
}

func TestLoadJSON(t *testing.T) {
	unix := ma.StringCast("/unix/tmp/a.sock")
	tests := map[string]struct {
		raw  string
		want sample
	}{
		"nothing":            {`{}`, sampleDefaults()},
		"null means default": {`{"address":null,"timeout":null,"size":null,"names":null,"headers":null,"users":null}`, sampleDefaults()},
		"one address":        {`{"address":"/unix/tmp/a.sock"}`, with(func(s *sample) { s.Address = Multiaddrs{unix} })},
		"several addresses": {`{"address":["/unix/tmp/a.sock","/ip4/127.0.0.1/tcp/9097"]}`, with(func(s *sample) {
			s.Address = Multiaddrs{unix, s.Address[0]}
		})},
		"no address":              {`{"address":[]}`, with(func(s *sample) { s.Address = Multiaddrs{} })},
		"empty address":           {`{"address":""}`, sampleDefaults()},
		"duration":                {`{"timeout":"1h30m"}`, with(func(s *sample) { s.Timeout = Duration(90 * time.Minute) })},
		"zero duration":           {`{"timeout":"0s"}`, with(func(s *sample) { s.Timeout = 0 })},
		"empty duration":          {`{"timeout":""}`, sampleDefaults()},
		"a list replaces":         {`{"names":["c"]}`, with(func(s *sample) { s.Names = []string{"c"} })},
		"an empty list":           {`{"names":[]}`, with(func(s *sample) { s.Names = []string{} })},
		"an object replaces":      {`{"headers":{"A":["b"]}}`, with(func(s *sample) { s.Headers = map[string][]string{"A": {"b"}} })},
		"an empty object":         {`{"users":{}}`, with(func(s *sample) { s.Users = map[string]string{} })},
		"false, zero and nothing": {`{"fast":false,"size":0,"note":""}`, with(func(s *sample) { s.Size = 0 })},
		"all together": {`{"fast":true,"size":3,"note":"n","password":"p","users":{"u":"w"}}`, with(func(s *sample) {
			s.Fast, s.Size, s.Note, s.Password, s.Users = true, 3, "n", "p", map[string]string{"u": "w"}
		})},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSample()
			require.NoError(t, s.LoadJSON([]byte(test.raw)))
			require.Equal(t, test.want, s.Value())
			require.Empty(t, s.Warnings())

			saved, err := s.ToJSON()
			require.NoError(t, err)
			again := newSample()
			require.NoError(t, again.LoadJSON(saved))
			require.Equal(t, test.want, again.Value())
		})
	}
}

func TestLoadJSONMistakes(t *testing.T) {
	tests := map[string]struct {
		raw  string
		want []string
	}{
		"not JSON":       {`{"size":`, []string{"api.sample: not valid JSON"}},
		"not an object":  {`[]`, []string{"api.sample: must be an object"}},
		"more than one":  {`{} {}`, []string{"api.sample: not valid JSON: something follows"}},
		"a number":       {`{"size":"3"}`, []string{"api.sample.size: must be a whole number"}},
		"no fractions":   {`{"size":3.5}`, []string{"api.sample.size: must be a whole number"}},
		"a boolean":      {`{"fast":"yes"}`, []string{"api.sample.fast: must be true or false"}},
		"a list":         {`{"names":"a"}`, []string{"api.sample.names: must be a list, each element a string"}},
		"in a list":      {`{"names":["a",1]}`, []string{"api.sample.names: must be a list, each element a string"}},
		"in an object":   {`{"headers":{"A":"b"}}`, []string{"api.sample.headers: must be an object, each value a list, each element a string"}},
		"a duration":     {`{"timeout":"5"}`, []string{`api.sample.timeout: "5" is not a duration such as "30s"`}},
		"not a number":   {`{"timeout":5}`, []string{"api.sample.timeout: must be a string"}},
		"an address":     {`{"address":"127.0.0.1:80"}`, []string{`api.sample.address: "127.0.0.1:80" is not a multiaddress`}},
		"of addresses":   {`{"address":["/ip4/1.2.3.4/tcp/1","/ip4/300.0.0.1/tcp/1"]}`, []string{`api.sample.address: "/ip4/300.0.0.1/tcp/1" is not`}},
		"address number": {`{"address":7}`, []string{"api.sample.address: must be a multiaddress or a list"}},
		"validation":     {`{"size":-1}`, []string{"api.sample.size: must not be negative, is -1"}},
		"unknown":        {`{"later":1}`, []string{"api.sample.later: unknown key: remove it"}},
		"misspelt":       {`{"tiemout":"1s"}`, []string{`api.sample.tiemout: unknown key`}},
		"a letter short": {`{"timeot":"1s"}`, []string{`api.sample.timeot: unknown key, did you mean "timeout"?`}},
		"upper case":     {`{"Size":1}`, []string{`api.sample.Size: unknown key, did you mean "size"?`}},
		"twice":          {`{"size":1,"size":2}`, []string{"api.sample.size: given twice"}},
		"all at once": {`{"timeout":"-1s","size":"x","names":1,"nmaes":[],"address":"x"}`, []string{
			"api.sample.timeout: must not be negative",
			"api.sample.size: must be a whole number",
			"api.sample.names: must be a list",
			"api.sample.nmaes: unknown key",
			`api.sample.address: "x" is not a multiaddress`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSample()
			err := s.LoadJSON([]byte(test.raw))
			require.Error(t, err)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.Len(t, strings.Split(err.Error(), "\n"), len(test.want), "one line for each mistake: %v", err)
			require.Equal(t, sampleDefaults(), s.Value(), "a broken section changes nothing")
		})
	}
}

func TestSecretsAreNotInMistakes(t *testing.T) {
	for _, raw := range []string{
		`{"password":["hunter2"]}`,
		`{"password":{"hunter2":"hunter2"}}`,
		`{"users":"hunter2"}`,
		`{"users":{"a":["hunter2"]}}`,
	} {
		err := newSample().LoadJSON([]byte(raw))
		require.ErrorContains(t, err, "must be", raw)
		require.NotContains(t, err.Error(), "hunter2", raw)
	}
}

func TestUnknownKeysAllowed(t *testing.T) {
	s := newSample()
	s.AllowUnknownKeys = true
	require.NoError(t, s.LoadJSON([]byte(`{"later":{"x":[1, 2]},"size":1,"tomorrow":"secret"}`)))
	require.Equal(t, []string{"api.sample.later: unknown key", "api.sample.tomorrow: unknown key"}, s.Warnings())

	saved, err := s.ToJSON()
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(saved, &members))
	require.Equal(t, map[string]any{"x": []any{1.0, 2.0}}, members["later"])
	require.Equal(t, "secret", members["tomorrow"])

	shown, err := s.ToDisplayJSON()
	require.NoError(t, err)
	require.NotContains(t, string(shown), "secret", "nobody knows what an unknown key holds")

	require.NoError(t, s.Default())
	require.Empty(t, s.Warnings())
}

func TestToJSON(t *testing.T) {
	s := newSample()
	s.Set(with(func(s *sample) { s.Password = "p"; s.Users = map[string]string{"u": "w"} }))
	saved, err := s.ToJSON()
	require.NoError(t, err)
	require.Equal(t, `{
  "address": "/ip4/127.0.0.1/tcp/9097",
  "timeout": "1m0s",
  "password": "p",
  "users": {
    "u": "w"
  },
  "size": 10,
  "names": [
    "a",
    "b"
  ],
  "headers": {
    "X-Default": [
      "1"
    ]
  },
  "fast": false
}`, string(saved))
}

func TestDisplay(t *testing.T) {
	s := newSample()
	s.Set(with(func(s *sample) { s.Password = "hunter2"; s.Users = map[string]string{"u": "hunter2"} }))
	shown, err := s.ToDisplayJSON()
	require.NoError(t, err)
	require.NotContains(t, string(shown), "hunter2")
	var members map[string]any
	require.NoError(t, json.Unmarshal(shown, &members))
	require.Equal(t, Hidden, members["password"])
	require.Equal(t, Hidden, members["users"])
	require.Contains(t, members, "note", "empty keys are shown, too")

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		require.NotContains(t, fmt.Sprintf(verb, s), "hunter2", verb)
		require.NotContains(t, fmt.Sprintf(verb, s.Value().Password), "hunter2", verb)
	}
	require.NotContains(t, fmt.Sprintf("%x", s.Value().Password), fmt.Sprintf("%x", "hunter2"))
	require.Empty(t, fmt.Sprint(Secret("")))
	require.Equal(t, "hunter2", s.Value().Password.Reveal())
}

func TestValueIsACopy(t *testing.T) {
	s := newSample()
	given := sampleDefaults()
	given.Users = map[string]string{"u": "w"}
	s.Set(given)
	given.Users["u"] = "changed"
	got := s.Value()
	got.Names[0] = "changed"
	got.Headers["X-Default"][0] = "changed"
	got.Users["new"] = "changed"
	got.Address[0] = ma.StringCast("/unix/changed")
	require.Equal(t, with(func(s *sample) { s.Users = map[string]string{"u": "w"} }), s.Value())
}

func TestSectionOfTheManager(t *testing.T) {
	s := newSample()
	require.Equal(t, "sample", s.ConfigKey())
	require.Equal(t, "api.sample", s.Name())
	require.Equal(t, "top", New(Spec[sample]{Key: "top", Defaults: sampleDefaults}).Name())

	require.Empty(t, s.BaseDir())
	s.SetBaseDir("/somewhere")
	require.Equal(t, "/somewhere", s.BaseDir())

	for range 3 {
		s.NotifySave() // nobody listens, and it does not block
	}
	<-s.SaveCh()
	select {
	case <-s.SaveCh():
		t.Fatal("one save is enough for all requests before it")
	default:
	}
	s.NotifySave()
	<-s.SaveCh()

	s.Set(with(func(s *sample) { s.Size = -1 }))
	require.EqualError(t, s.Validate(), "api.sample.size: must not be negative, is -1")
	require.NoError(t, s.Default())
	require.NoError(t, s.Validate())
	require.NoError(t, New(Spec[sample]{Key: "top", Defaults: sampleDefaults}).Validate())
}

func TestErrorsUnwrap(t *testing.T) {
	cause := errors.New("cause")
	err := within("api.sample", KeyError("size", "because: %w", cause))
	require.EqualError(t, err, "api.sample.size: because: cause")
	require.ErrorIs(t, err, cause)
	require.EqualError(t, within("api.sample", cause), "api.sample: cause")
}

func TestTwoFieldsWithOneKey(t *testing.T) {
	type twice struct {
		A    string `json:"Same"`
		Same string
	}
	require.Panics(t, func() { New(Spec[twice]{Defaults: func() twice { return twice{} }}) })
}

func FuzzLoadJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"size":1,"sizes":2}`, `{"address":["/unix/a"],"timeout":"1s"}`, `{"users":{"a":"b"}}`, `{"names":null}`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := newSample()
		s.AllowUnknownKeys = true
		if s.LoadJSON(raw) != nil {
			require.Equal(t, sampleDefaults(), s.Value())
			return
		}
		saved, err := s.ToJSON()
		require.NoError(t, err)
		again := newSample()
		again.AllowUnknownKeys = true
		require.NoError(t, again.LoadJSON(saved), "%s", saved)
		require.Equal(t, s.Value(), again.Value())
		savedAgain, err := again.ToJSON()
		require.NoError(t, err)
		require.Equal(t, string(saved), string(savedAgain))
	})
}
