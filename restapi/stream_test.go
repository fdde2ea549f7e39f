package restapi

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestStreams(t *testing.T) {
	two := []api.Pin{{Cid: cidA, Type: api.DataType}, {Cid: cidB, Type: api.DataType}}
	for name, test := range map[string]struct {
		pins    []api.Pin
		errs    []error
		status  int
		lines   int
		trailer []string
	}{
		"nothing":        {nil, nil, 204, 0, nil},
		"values":         {two, nil, 200, 2, []string{""}},
		"an error":       {nil, []error{pinset.ErrReadOnly}, 403, 1, nil},
		"several errors": {nil, []error{pinset.ErrNotFound, pinset.ErrReadOnly}, 404, 1, nil},
		"half way":       {two, []error{pinset.ErrReadOnly}, 200, 2, []string{pinset.ErrReadOnly.Details}},
		"and unknown":    {two, []error{pinset.ErrReadOnly, errors.New("private")}, 200, 2, []string{pinset.ErrReadOnly.Details, "unexpected error: see the log of the peer"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			a.cluster.Pins, a.cluster.Errs = test.pins, test.errs
			server := httptest.NewServer(a)
			defer server.Close()
			res, err := http.Get(server.URL + "/allocations")
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, test.status, res.StatusCode)
			require.Equal(t, test.lines, strings.Count(string(body), "\n"))
			require.Equal(t, test.trailer, res.Trailer.Values(errorTrailer))
			if test.status == 200 {
				require.Equal(t, "application/json", res.Header.Get("Content-Type"))
			}
		})
	}
}

// serveSequence answers with a sequence at /peers.
func serveSequence(t *testing.T, values iter.Seq2[api.ID, error]) *httptest.Server {
	a := newTestAPI(t)
	a.API.cluster = peersOnly{a.cluster, values}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server
}

type peersOnly struct {
	*fakeCluster
	values iter.Seq2[api.ID, error]
}

// A line is sent soon, although more may follow.
func TestLinesDoNotWaitForTheEnd(t *testing.T) {
	read := make(chan struct{})
	server := serveSequence(t, func(yield func(api.ID, error) bool) {
		for range 3 {
			if !yield(api.ID{ID: peer1}, nil) {
				return
			}
			<-read
		}
	})
	res, err := http.Get(server.URL + "/peers")
	require.NoError(t, err)
	defer res.Body.Close()
	reader := bufio.NewReader(res.Body)
	for range 3 {
		line, err := reader.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, peer1.String())
		read <- struct{}{}
	}
	_, err = reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

// A client that goes away ends the question.
func TestClientThatGoesAway(t *testing.T) {
	ended := make(chan struct{})
	server := serveSequence(t, func(yield func(api.ID, error) bool) {
		defer close(ended)
		for yield(api.ID{ID: peer1, Peername: strings.Repeat("x", 1000)}, nil) {
		}
	})
	res, err := http.Get(server.URL + "/peers")
	require.NoError(t, err)
	_, err = res.Body.Read(make([]byte, 100))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	<-ended
}

// What breaks in the middle is not taken for the whole.
func TestStreamThatPanics(t *testing.T) {
	for _, values := range []int{0, 1} {
		server := serveSequence(t, func(yield func(api.ID, error) bool) {
			for range values {
				yield(api.ID{ID: peer1}, nil)
			}
			panic("a mistake")
		})
		res, err := http.Get(server.URL + "/peers")
		if err == nil && res.StatusCode == 200 {
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
		} else if err == nil {
			require.Zero(t, values)
			require.Equal(t, 500, res.StatusCode)
			res.Body.Close()
			continue
		}
		require.Error(t, err)
	}
}

func (p peersOnly) Peers(context.Context) iter.Seq2[api.ID, error] { return p.values }

func TestLazyWriterAfterItsEnd(t *testing.T) {
	w := httptest.NewRecorder()
	l := newLazyWriter(w)
	_, err := io.WriteString(l, "a")
	require.NoError(t, err)
	require.Empty(t, w.Body.String(), "it waits for more")
	l.send()
	require.Equal(t, "a", w.Body.String())
	require.True(t, w.Flushed)
	_, err = io.WriteString(l, "b")
	require.NoError(t, err)
	l.close()
	require.Equal(t, "ab", w.Body.String())
	_, err = l.buffer.WriteString("c")
	require.NoError(t, err)
	l.send()
	require.Equal(t, "ab", w.Body.String(), "the request is answered")
}

func BenchmarkLines(b *testing.B) {
	a := newTestAPI(b)
	for range 10_000 {
		a.cluster.Infos = append(a.cluster.Infos, api.GlobalPinInfo{Cid: cidA, PeerMap: map[string]api.PinInfoShort{
			peer1.String(): {PeerName: "one", IPFS: peer1, Status: api.TrackerStatusPinned},
		}})
	}
	server := httptest.NewServer(a)
	defer server.Close()
	b.ReportAllocs()
	for b.Loop() {
		res, err := http.Get(server.URL + "/pins")
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(b, err)
		res.Body.Close()
	}
}
