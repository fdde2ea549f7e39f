package tracker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fakes"
)

// waiting returns the entry that take would return, false when there is none.
func (q *queue) waiting(t *testing.T) (entry, bool) {
	t.Helper()
	q.mu.Lock()
	some := false
	for _, e := range q.entries {
		some = some || e.waits
	}
	q.mu.Unlock()
	if !some {
		return entry{}, false
	}
	return q.take()
}

func named(name string) func(*entry) {
	return func(e *entry) { e.pin.Name = name }
}

func TestQueueGivesAChangedEntryToAWorkerAgain(t *testing.T) {
	for name, giveBack := range map[string]func(*queue, entry){
		"done":  func(q *queue, e entry) { q.done(e) },
		"later": func(q *queue, e entry) { q.later(e, time.Hour) },
		"park":  func(q *queue, e entry) { q.park(e) },
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue()
			q.change(fakes.CID(1), named("x"))
			e, ok := q.waiting(t)
			require.True(t, ok)
			q.change(fakes.CID(1), named("y"))
			_, ok = q.waiting(t)
			require.False(t, ok, "one worker has it")

			giveBack(q, e)
			e, ok = q.waiting(t)
			require.True(t, ok)
			require.Equal(t, "y", e.pin.Name)
			q.done(e)
			require.Empty(t, q.entries)
		})
	}
}

func TestQueueIgnoresAnswersToOldQuestions(t *testing.T) {
	q := newQueue()
	q.change(fakes.CID(1), named("x"))
	old, _ := q.waiting(t)
	q.park(old)
	q.change(fakes.CID(1), named("y"))
	e, ok := q.waiting(t)
	require.True(t, ok, "a change does not wait for an answer")
	q.park(e)

	q.lookedUp(fakes.CID(1), old.seq, nodePinned, nil)
	_, ok = q.waiting(t)
	require.False(t, ok)
	q.lookedUp(fakes.CID(1), e.seq, nodeNotPinned, nil)
	e, ok = q.waiting(t)
	require.True(t, ok)
	require.Equal(t, nodeNotPinned, e.nodeState)
	q.done(e)

	q.change(fakes.CID(1), named("z"))
	q.lookedUp(fakes.CID(1), e.seq, nodePinned, nil)
	e, _ = q.waiting(t)
	require.Equal(t, nodeUnknown, e.nodeState, "nor to those of a forgotten entry")
}

func TestQueueLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.change(fakes.CID(1), named("x"))
		e, _ := q.waiting(t)
		q.later(e, time.Second)
		fakes.After(time.Second - 1)
		_, ok := q.waiting(t)
		require.False(t, ok)
		fakes.After(1)
		e, ok = q.waiting(t)
		require.True(t, ok)
		require.Equal(t, 1, e.tries)

		q.later(e, time.Second)
		q.change(fakes.CID(1), named("y"))
		e, ok = q.waiting(t)
		require.True(t, ok, "a change is not put off")
		require.Zero(t, e.tries)
		q.done(e)
		fakes.After(time.Minute)
		_, ok = q.waiting(t)
		require.False(t, ok)
	})
}

func TestQueueOrder(t *testing.T) {
	q := newQueue()
	for i := range 3 {
		q.again(api.PinCid(fakes.CID(i)), named("again"))
	}
	q.again(api.PinCid(fakes.CID(1)), named("twice"))
	q.change(fakes.CID(3), named("x"))
	q.change(fakes.CID(2), named("y"))
	q.change(fakes.CID(3), named("z"))
	var got []string
	for {
		e, ok := q.waiting(t)
		if !ok {
			break
		}
		got = append(got, e.cid.String()[50:]+" "+e.pin.Name)
		q.done(e)
	}
	short := func(i int) string { return fakes.CID(i).String()[50:] }
	require.Equal(t, []string{
		short(3) + " z", short(2) + " y", // changed
		short(0) + " again", short(1) + " again",
	}, got)
}

func TestQueueClose(t *testing.T) {
	q := newQueue()
	q.change(fakes.CID(1), named("x"))
	q.close()
	_, ok := q.take()
	require.False(t, ok)
	q.change(fakes.CID(2), named("x"))
	_, ok = q.take()
	require.False(t, ok)
}
