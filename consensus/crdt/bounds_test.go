package crdt

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	logging "github.com/ipfs/go-log/v2"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/stretchr/testify/require"
)

// TestLongQuestionsAreRefused: a question that does not end is not kept in
// memory, and others are answered.
func TestLongQuestionsAreRefused(t *testing.T) {
	t.Parallel()
	server, client := newRig(t, rigOptions{}), newRig(t, rigOptions{})
	client.connect(server)
	call := func(q NodesRequest) error {
		var a NodesResponse
		return rpc.NewClient(client.host, nodesProtocol).CallContext(t.Context(), server.host.ID(), nodesService, belowMethod, q, &a)
	}
	require.NoError(t, call(NodesRequest{Wanted: raw(cidsOf(testChain(t, maxWanted)...)), Known: raw(cidsOf(testChain(t, maxKnown)...))}),
		"as long as a question of ours may be")
	require.Error(t, call(NodesRequest{Wanted: [][]byte{make([]byte, maxRequestBytes)}}))
	require.Error(t, call(NodesRequest{Wanted: make([][]byte, maxRequestBytes)}))

	s, err := client.host.NewStream(t.Context(), server.host.ID(), nodesProtocol)
	require.NoError(t, err)
	require.NoError(t, s.SetWriteDeadline(time.Now().Add(time.Second))) // nobody reads it
	sent, err := io.Copy(s, io.LimitReader(endless{}, 64<<20))
	require.Error(t, err)
	require.Less(t, sent, int64(32<<20), "with what is on the way")
	require.NoError(t, call(NodesRequest{Wanted: raw(cidsOf(testChain(t, 1)...))}))
}

// endless is the beginning of a list that has no end, in msgpack.
type endless struct{}

func (endless) Read(to []byte) (int, error) {
	for i := range to {
		to[i] = 0xdd // a list of 0xdddddddd lists
	}
	return len(to), nil
}

// TestLongAnswersAreRefused: so is an answer that does not end.
func TestLongAnswersAreRefused(t *testing.T) {
	t.Parallel()
	server, client := newRig(t, rigOptions{}), newRig(t, rigOptions{})
	sent := make(chan error, 1)
	server.host.SetStreamHandler(nodesProtocol, func(s network.Stream) {
		_, err := io.Copy(s, io.LimitReader(endless{}, 64<<20))
		sent <- err
	})
	client.connect(server)
	f := newFetcher(client.replica())
	f.timeout = patient
	_, err := f.askHeads(t.Context(), server.host.ID())
	require.Error(t, err)
	select {
	case err := <-sent:
		require.Error(t, err, "it is not read to its end")
	case <-time.After(patient):
		t.Fatal("it is still being read")
	}
}

// TestCallsOfAPeerAreBounded: a peer whose calls stay open is refused more, and
// others are served.
func TestCallsOfAPeerAreBounded(t *testing.T) {
	t.Parallel()
	server, greedy, other := newRig(t, rigOptions{}), newRig(t, rigOptions{}), newRig(t, rigOptions{})
	greedy.connect(server)
	other.connect(server)
	var open []network.Stream
	for range maxPeerServed {
		s, err := greedy.host.NewStream(t.Context(), server.host.ID(), nodesProtocol)
		require.NoError(t, err)
		_, err = s.Write([]byte{0x82}) // the beginning of a call
		require.NoError(t, err)
		open = append(open, s)
	}
	call := func(r *rig) error {
		_, err := newFetcher(r.replica()).askHeads(t.Context(), server.host.ID())
		return err
	}
	eventually(t, func() bool { return call(greedy) != nil }, "it is refused")
	require.NoError(t, call(other))
	for _, s := range open {
		require.NoError(t, s.Reset())
	}
	eventually(t, func() bool { return call(greedy) == nil }, "it is served again")
}

// TestAdmission: in all, and for each peer, and in a second.
func TestAdmission(t *testing.T) {
	t.Parallel()
	a := newAdmission()
	for i := range maxServed {
		require.NoError(t, a.enter(t.Context(), peerOf(i)))
	}
	require.ErrorIs(t, a.enter(t.Context(), "another"), errTooMany)
	for i := range maxServed {
		a.leave(peerOf(i))
	}
	soon, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	n := 0
	for ; n < 10*callBurst; n++ {
		if a.enter(soon, "fast") != nil {
			break
		}
		a.leave("fast")
	}
	require.GreaterOrEqual(t, n, callBurst)
	require.Less(t, n, 2*callBurst)
	require.NoError(t, a.enter(t.Context(), "slow"))
	a.leave("slow")
	for i := range 2 * maxCallers {
		require.NoError(t, a.enter(t.Context(), peerOf(i)))
		a.leave(peerOf(i))
	}
	require.LessOrEqual(t, len(a.callers), maxCallers)
}

// lines counts what is written.
type lines struct {
	logging.StandardLogger
	text bytes.Buffer
	n    int
}

func (l *lines) Warnf(format string, _ ...any)  { l.n++; l.text.WriteString(format + "\n") }
func (l *lines) Errorf(format string, _ ...any) { l.n++; l.text.WriteString(format + "\n") }
func (l *lines) Error(...any)                   { l.n++ }
func (l *lines) Warn(...any)                    { l.n++ }

// TestBoundedLog: of many lines, some are written, and the number of the others.
func TestBoundedLog(t *testing.T) {
	t.Parallel()
	out := &lines{}
	log := newBoundedLog()
	log.StandardLogger = out
	for range 300 {
		log.Warnf("one")
		log.Errorf("two")
		log.Warn("three")
		log.Error("four")
	}
	require.GreaterOrEqual(t, out.n, maxLines)
	require.Less(t, out.n, 3*maxLines)
	left := log.left
	require.Positive(t, left)
	log.limiter.SetBurst(maxLines + 100)
	log.limiter.SetLimit(1e9)
	time.Sleep(time.Millisecond) // the limiter has values again
	log.Warnf("last")
	require.True(t, strings.HasSuffix(out.text.String(), "left out\nlast\n"), out.text.String())
	require.Zero(t, log.left)
}
