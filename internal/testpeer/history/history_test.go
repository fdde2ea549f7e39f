package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
)

var (
	first = history.Pin{Name: "first", Created: "1"}
	none  = history.Pin{}
)

// stored returns a history that has "a", acknowledged.
func stored(t *testing.T) *history.History {
	t.Helper()
	l := history.New()
	require.NoError(t, l.Write("a", history.Pin{Name: "first"}).Acknowledged("1"))
	return l
}

func TestWhatIsRightAndWrong(t *testing.T) {
	second := history.Pin{Name: "second", Created: "1"}
	for name, tt := range map[string]struct {
		write                     func(*history.History)
		found                     history.Pin
		lost, back, changed, left int
	}{
		"as acknowledged":             {func(*history.History) {}, first, 0, 0, 0, 1},
		"lost":                        {func(*history.History) {}, none, 1, 0, 0, 1},
		"another name":                {func(*history.History) {}, second, 0, 0, 1, 1},
		"another created":             {func(*history.History) {}, history.Pin{Name: "first", Created: "2"}, 0, 0, 1, 1},
		"another meta":                {func(*history.History) {}, history.Pin{Name: "first", Created: "1", Meta: "x"}, 0, 0, 1, 1},
		"renamed, not answered":       {func(l *history.History) { l.Write("a", history.Pin{Name: "second"}) }, second, 0, 0, 0, 1},
		"not renamed, not answered":   {func(l *history.History) { l.Write("a", history.Pin{Name: "second"}) }, first, 0, 0, 0, 1},
		"lost by a rename":            {func(l *history.History) { l.Write("a", history.Pin{Name: "second"}) }, none, 1, 0, 0, 1},
		"renamed, other created":      {func(l *history.History) { l.Write("a", history.Pin{Name: "second"}) }, history.Pin{Name: "second", Created: "2"}, 0, 0, 1, 1},
		"a refused rename":            {func(l *history.History) { l.Write("a", history.Pin{Name: "second"}).Refused() }, second, 0, 0, 1, 1},
		"removed":                     {remove, none, 0, 0, 0, 0},
		"back":                        {remove, first, 0, 1, 0, 0},
		"removed, not answered":       {func(l *history.History) { l.Write("a", none) }, none, 0, 0, 0, 0},
		"still there, not answered":   {func(l *history.History) { l.Write("a", none) }, first, 0, 0, 0, 1},
		"added again, another moment": {func(l *history.History) { remove(l); l.Write("a", history.Pin{Name: "second"}) }, history.Pin{Name: "second", Created: "7"}, 0, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := stored(t)
			tt.write(l)
			found := map[string]history.Pin{}
			if tt.found != none {
				found["a"] = tt.found
			}
			d := l.Check(found)
			require.Len(t, d.Lost, tt.lost)
			require.Len(t, d.Back, tt.back)
			require.Len(t, d.Changed, tt.changed)
			require.Equal(t, tt.lost+tt.back+tt.changed == 0, d.None(), d)
			require.Equal(t, tt.left, l.Present())
		})
	}
}

func remove(l *history.History) { l.Write("a", none).Acknowledged("") }

// What was found once has to stay.
func TestWhatWasFoundStays(t *testing.T) {
	l := stored(t)
	l.Write("b", history.Pin{Name: "b"})
	b := history.Pin{Name: "b", Created: "5"}
	require.True(t, l.Check(map[string]history.Pin{"a": first, "b": b}).None())
	require.Equal(t, 2, l.Present())
	require.Len(t, l.Check(map[string]history.Pin{"a": first}).Lost, 1)
}

func TestAStrangerIsNotRight(t *testing.T) {
	l := stored(t)
	require.Len(t, l.Check(map[string]history.Pin{"a": first, "b": first}).Back, 1)
}

// Created never changes while a pin is there.
func TestAcknowledgedWithAnotherCreated(t *testing.T) {
	l := stored(t)
	require.Error(t, l.Write("a", history.Pin{Name: "again"}).Acknowledged("2"))
	remove(l)
	require.NoError(t, l.Write("a", history.Pin{Name: "anew"}).Acknowledged("3"))
}

// A removal that finds nothing is a loss, unless one before it was not answered
// or the pin was never acknowledged.
func TestNotFound(t *testing.T) {
	require.Error(t, stored(t).Write("a", none).NotFound())

	l := stored(t)
	l.Write("a", none)
	require.NoError(t, l.Write("a", none).NotFound())
	require.Len(t, l.Check(map[string]history.Pin{"a": first}).Back, 1)

	l = stored(t)
	l.Write("a", history.Pin{Name: "second"})
	require.Error(t, l.Write("a", none).NotFound())

	l = history.New()
	l.Write("b", history.Pin{Name: "b"})
	require.NoError(t, l.Write("b", none).NotFound())
}
