package common

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// leased is a request with a lease of a budget.
func leased(b *Budget, body io.Reader) *http.Request {
	rec := &record{lease: Lease{budget: b}}
	return httptest.NewRequestWithContext(context.WithValue(context.Background(), recordKey{}, rec), http.MethodPost, "/", body)
}

func TestReadBody(t *testing.T) {
	for _, size := range []int{0, 1, firstBody - 1, firstBody, firstBody + 1, 100_000, 1 << 20} {
		want := bytes.Repeat([]byte("x"), size)
		r := leased(NewBudget(leastBudget), iotest.HalfReader(bytes.NewReader(want)))
		got, err := ReadBody(r, 1<<20)
		require.NoError(t, err)
		require.Equal(t, want, append([]byte{}, got...))
		require.Equal(t, int64(cap(got)), LeaseOf(r.Context()).total)
	}
	_, err := ReadBody(leased(nil, bytes.NewReader(make([]byte, 101))), 100)
	var tooLarge *http.MaxBytesError
	require.ErrorAs(t, err, &tooLarge)
	broken := errors.New("the connection is gone")
	_, err = ReadBody(leased(nil, iotest.ErrReader(broken)), 100)
	require.ErrorIs(t, err, broken)
}

// Bodies that never end take the memory that has come, and no more than there is
// for all of them.
func TestReadBodyTakesWhatHasCome(t *testing.T) {
	b := NewBudget(leastBudget)
	var taken, refused int
	for range 100 {
		r := leased(b, io.MultiReader(bytes.NewReader(make([]byte, 1_000_000)), iotest.ErrReader(io.ErrUnexpectedEOF)))
		switch _, err := ReadBody(r, 2<<20); {
		case IsMemoryShort(err):
			refused++
		default:
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			taken++ // and is not released
		}
	}
	require.Positive(t, refused)
	require.LessOrEqual(t, taken, int(b.heldSize>>20))
	r := leased(b, bytes.NewReader(make([]byte, smallRequest/4)))
	_, err := ReadBody(r, 1<<20)
	require.NoError(t, err, "small bodies need no room")
}
