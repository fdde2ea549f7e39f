package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// load is a client of one peer, which pins and looks at what it has pinned.
type load struct {
	*node
	id      int
	running sync.RWMutex // held for writing while the peer is swapped
	pinned  map[string]string
	pins    atomic.Int64
	// repeats is true for a peer of ipfs-cluster-service on Raft, whose writes
	// fail when a busy machine makes it lose its leader.
	repeats bool
	// raft has a client repeat a 503, as its Retry-After says: while a leader of
	// ipfs-cluster-service is there, ours may have none for ten seconds, too.
	raft   bool
	theirs process.Program
}

// run sends requests until the context ends. All of them must succeed.
func (l *load) run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := l.one(i); err != nil {
			return fmt.Errorf("peer %d: %w", l.id, err)
		}
	}
}

// one pins, and looks whether the pin is there. An ipfs-cluster-service on Raft that
// has ended by itself, as it does when it is without a leader for too long, is started
// again.
func (l *load) one(i int) error {
	l.running.RLock()
	defer l.running.RUnlock()
	err := l.try(i)
	if l.repeats && errors.Is(err, syscall.ECONNREFUSED) {
		l.daemon.Stop()
		l.start(l.theirs)
		err = l.try(i)
	}
	return err
}

func (l *load) try(i int) error {
	c, name := testCID(fmt.Sprint("rolling ", l.id, " ", i)), fmt.Sprint(l.id, " ", i)
	post := func() (int, string, error) {
		return l.do(http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q,"name":%q}`, c, name))
	}
	status, text, err := post()
	again := func() bool { return l.repeats && status/100 == 5 || l.raft && status == http.StatusServiceUnavailable }
	for tries := 1; tries < 10 && again(); tries++ {
		status, text, err = post()
	}
	if err != nil || status/100 != 2 { // 200 there, 202 here
		return fmt.Errorf("POST: %d %s %w", status, text, err)
	}
	l.pinned[c] = name
	l.pins.Add(1)
	status, text, err = l.do(http.MethodGet, "/pins?status=queued,pinning,pinned,failed&cid="+c, "")
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("GET: %d %s %w", status, text, err)
	}
	return nil
}

// TestRollingSwap: three peers of ipfs-cluster-service become ours one after
// the other. Clients of the others see no failure, and no pin is lost.
func TestRollingSwap(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"crdt", "raft"} {
		t.Run(kind, func(t *testing.T) { rollingSwap(t, kind) })
	}
}

func rollingSwap(t *testing.T, kind string) {
	us, them := ours(t), theirs(t)
	o := process.Options{InitFlags: []string{"--consensus", kind}}
	if kind == "crdt" {
		o.Rebroadcast = time.Second
	}
	var nodes []*node
	for range 3 {
		n := newNode(t, them, o)
		o.Secret = n.folder.Secret()
		n.start(them, nodes...)
		nodes = append(nodes, n)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var loads []*load
	failed := make(chan error, len(nodes))
	var clients sync.WaitGroup
	for i, n := range nodes {
		l := &load{node: n, id: i, pinned: map[string]string{}, repeats: kind == "raft", raft: kind == "raft", theirs: them}
		loads = append(loads, l)
		clients.Go(func() { failed <- l.run(ctx) })
	}
	// The first is the leader, whose turn is last.
	for _, i := range []int{1, 2, 0} {
		more(t, loads, failed)
		swap(loads[i], us)
	}
	more(t, loads, failed)
	stop()
	clients.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	want := map[string]string{}
	for _, l := range loads {
		maps.Copy(want, l.pinned)
	}
	for _, n := range nodes {
		require.Eventually(t, func() bool { return maps.Equal(want, n.everything()) }, 2*patient, 200*time.Millisecond)
	}
	t.Logf("%d pins, none lost", len(want))
	for _, n := range nodes {
		n.stop()
	}
}

// more waits until every client has gone on.
func more(t *testing.T, loads []*load, failed <-chan error) {
	t.Helper()
	for _, l := range loads {
		goal := l.pins.Load() + 10
		require.Eventually(t, func() bool { return l.pins.Load() >= goal || len(failed) > 0 }, patient, 10*time.Millisecond)
	}
	if len(failed) > 0 {
		require.NoError(t, errors.Join(<-failed))
	}
}

// swap stops a peer and starts the other program on its folder. The clients of
// this peer wait.
func swap(l *load, p process.Program) {
	l.running.Lock()
	defer l.running.Unlock()
	if l.repeats {
		// On Raft, ipfs-cluster-service does not always end. It is killed then,
		// which loses nothing: its log is durable.
		l.daemon.Stop()
	} else {
		l.stop()
	}
	l.start(p)
	l.repeats = false
}
