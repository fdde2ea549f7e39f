package goclient

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	pinning "github.com/ipfs/boxo/pinning/remote/client"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

const patience, look = 30 * time.Second, 100 * time.Millisecond

type status = pinning.PinStatusGetter

// service is a service without pins, files what it is to pin, in that order, and
// pins what it made of them.
type service struct {
	*pinning.Client
	files []cid.Cid
	pins  map[string]status
}

// TestClient is one story: each part goes on where the one before it ended, and
// nothing is left.
func TestClient(t *testing.T) {
	endpoint, token := os.Getenv("SERVICE_ENDPOINT"), os.Getenv("SERVICE_TOKEN")
	if endpoint == "" {
		t.Skip("SERVICE_ENDPOINT is not set: sharness/t0530-go-client.sh does that")
	}
	s := &service{
		Client: pinning.NewClient(endpoint, token),
		files:  readCIDs(t, os.Getenv("SERVICE_CIDS")),
		pins:   map[string]status{},
	}
	story := []struct {
		name string
		part func(*testing.T)
	}{
		{"add", s.add},
		{"get until pinned", s.get},
		{"list over several pages", s.list},
		{"list with filters", s.filter},
		{"replace by itself", s.update},
		{"replace by another", s.replace},
		{"delete", s.remove},
		{"errors", func(t *testing.T) { s.errors(t, endpoint) }},
	}
	for _, step := range story {
		if !t.Run(step.name, step.part) {
			t.FailNow()
		}
	}
}

// add pins all files but the last, which replace needs.
func (s *service) add(t *testing.T) {
	origin, err := multiaddr.NewMultiaddr("/ip4/127.0.0.1/tcp/9/p2p/12D3KooWSoLzampfxc4t3sy9z7yq1Cgzbi7zGXpV7nvt5hfeKUhR")
	require.NoError(t, err)
	for i, file := range s.files[:len(s.files)-1] {
		meta := map[string]string{"number": strconv.Itoa(i)}
		pin, err := s.Add(t.Context(), file, pinning.PinOpts.WithName(nameOf(i)), pinning.PinOpts.AddMeta(meta), pinning.PinOpts.WithOrigins(origin))
		require.NoError(t, err)
		require.Equal(t, file, pin.GetPin().GetCid())
		require.Equal(t, nameOf(i), pin.GetPin().GetName())
		require.Equal(t, meta, pin.GetPin().GetMeta())
		require.NotEqual(t, pinning.StatusFailed, pin.GetStatus())
		require.NotEmpty(t, pin.GetDelegates())
		s.pins[pin.GetRequestId()] = pin
	}
	require.Len(t, s.pins, len(s.files)-1)
}

func (s *service) get(t *testing.T) {
	for id, made := range s.pins {
		s.awaitPinned(t, id)
		pin, err := s.GetStatusByID(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, id, pin.GetRequestId())
		require.Equal(t, made.GetPin().GetCid(), pin.GetPin().GetCid())
		require.True(t, made.GetCreated().Equal(pin.GetCreated()))
	}
}

func (s *service) awaitPinned(t *testing.T, id string) {
	require.Eventually(t, func() bool {
		pin, err := s.GetStatusByID(t.Context(), id)
		return err == nil && pin.GetStatus() == pinning.StatusPinned
	}, patience, look, "pin %s", id)
}

// list relies on the client, which asks for 10 at a time and goes on with before.
func (s *service) list(t *testing.T) {
	require.Greater(t, len(s.pins), 35)
	lists := map[string][]pinning.LsOption{
		"pages of 10":  nil,
		"pages of 7":   {pinning.PinOpts.Limit(7), every()},
		"pages of 1":   {pinning.PinOpts.Limit(1)},
		"one page":     {pinning.PinOpts.Limit(1000)},
		"a name's":     {pinning.PinOpts.Limit(3), pinning.PinOpts.FilterName(nameOf(3))},
		"by the clock": {pinning.PinOpts.FilterBefore(time.Now().Add(time.Hour)), pinning.PinOpts.FilterAfter(time.Unix(0, 0))},
	}
	for name, options := range lists {
		got, err := s.LsSync(t.Context(), options...)
		require.NoError(t, err, name)
		require.True(t, slices.IsSortedFunc(got, func(a, b status) int {
			return b.GetCreated().Compare(a.GetCreated())
		}), name)
		if name == "a name's" {
			require.Equal(t, []string{s.files[3].String()}, cidsOf(got))
			continue
		}
		require.ElementsMatch(t, idsOf(s.pins), requestIDs(got), name)
	}
	page, count, err := s.LsBatchSync(t.Context())
	require.NoError(t, err)
	require.Len(t, page, 10)
	require.Equal(t, len(s.pins), count)
}

func (s *service) filter(t *testing.T) {
	latest, _, err := s.LsBatchSync(t.Context(), pinning.PinOpts.Limit(5))
	require.NoError(t, err)
	tests := []struct {
		name   string
		filter pinning.LsOption
		want   []string
	}{
		{"a CID", pinning.PinOpts.FilterCIDs(s.files[4]), []string{s.files[4].String()}},
		{"ten CIDs", pinning.PinOpts.FilterCIDs(s.files[:10]...), strs(s.files[:10])},
		{"a CID that is not pinned", pinning.PinOpts.FilterCIDs(s.files[len(s.files)-1]), nil},
		{"a name", pinning.PinOpts.FilterName(nameOf(5)), []string{s.files[5].String()}},
		{"a name that no pin has", pinning.PinOpts.FilterName("nobody"), nil},
		{"a status", pinning.PinOpts.FilterStatus(pinning.StatusFailed), nil},
		{"after", pinning.PinOpts.FilterAfter(latest[4].GetCreated()), cidsOf(latest[:4])},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := s.LsSync(t.Context(), test.filter)
			require.NoError(t, err)
			require.ElementsMatch(t, test.want, cidsOf(got))
		})
	}
}

// update is a replace of a pin by its own CID.
func (s *service) update(t *testing.T) {
	id := s.files[0].String()
	pin, err := s.Replace(t.Context(), id, s.files[0], pinning.PinOpts.WithName("renamed"))
	require.NoError(t, err)
	require.Equal(t, id, pin.GetRequestId())
	require.Equal(t, pinning.StatusPinned, pin.GetStatus())
	require.True(t, s.pins[id].GetCreated().Equal(pin.GetCreated()))
	require.Equal(t, "renamed", pin.GetPin().GetName())
	require.Empty(t, pin.GetPin().GetMeta())

	got, err := s.LsSync(t.Context(), every())
	require.NoError(t, err)
	require.ElementsMatch(t, idsOf(s.pins), requestIDs(got))
}

func (s *service) replace(t *testing.T) {
	old, last := s.files[1].String(), s.files[len(s.files)-1]
	pin, err := s.Replace(t.Context(), old, last, pinning.PinOpts.WithName("another"))
	require.NoError(t, err)
	require.Equal(t, last, pin.GetPin().GetCid())
	require.NotEqual(t, old, pin.GetRequestId())
	require.True(t, pin.GetCreated().After(s.pins[old].GetCreated()))
	s.awaitPinned(t, pin.GetRequestId())

	delete(s.pins, old)
	s.pins[pin.GetRequestId()] = pin
	got, err := s.LsSync(t.Context(), every())
	require.NoError(t, err)
	require.ElementsMatch(t, idsOf(s.pins), requestIDs(got))
}

func (s *service) remove(t *testing.T) {
	for id := range s.pins {
		require.NoError(t, s.DeleteByID(t.Context(), id))
		require.ErrorContains(t, s.DeleteByID(t.Context(), id), "404")
	}
	got, err := s.LsSync(t.Context(), every())
	require.NoError(t, err)
	require.Empty(t, got)
}

// errors have to reach a person: the client shows reason and details, but only
// those of a body that is as specified.
func (s *service) errors(t *testing.T, endpoint string) {
	stranger := pinning.NewClient(endpoint, "sesame")
	unknown := s.files[0]
	tests := []struct {
		name string
		call func() error
		want string
	}{
		{"a wrong token", func() error { _, err := stranger.LsSync(t.Context()); return err }, `reason: "UNAUTHORIZED"`},
		{"get of no pin", func() error { _, err := s.GetStatusByID(t.Context(), unknown.String()); return err }, `reason: "NOT_FOUND"`},
		{"replace of no pin", func() error { _, err := s.Replace(t.Context(), unknown.String(), unknown); return err }, `reason: "NOT_FOUND"`},
		{"eleven CIDs", func() error { _, err := s.LsSync(t.Context(), pinning.PinOpts.FilterCIDs(s.files[:11]...)); return err }, "cid"},
		// This client does not send meta as JSON. That must not list everything.
		{"meta that is no JSON", func() error {
			_, err := s.LsSync(t.Context(), pinning.PinOpts.LsMeta(map[string]string{"number": "1"}))
			return err
		}, "meta"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { require.ErrorContains(t, test.call(), test.want) })
	}
}
