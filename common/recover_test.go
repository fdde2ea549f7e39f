package common

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// A stream that panics in the middle is cut, though nobody said how long it
// would be: nothing is put behind what was sent.
func TestStreamThatPanicsIsCut(t *testing.T) {
	handler, err := NewHandler(DefaultConfig(), auth.NewCredentials(nil), API{
		Name: "fakeapi",
		Routes: []Route{{Method: http.MethodGet, Path: "/stream", Stream: func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			panic("in the middle")
		}}},
		Failure: func(error) *Failure { return nil },
		Body:    func(f *Failure) any { return f.Details },
	})
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	defer server.Close()
	res, err := http.Get(server.URL + "/stream")
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "begun", string(got))
}
