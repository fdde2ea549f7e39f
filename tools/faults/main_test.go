package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
	"github.com/stretchr/testify/require"
)

func TestOptions(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{"-only", "nothing"}, {"-slack", "0.5"}, {"kill"}, {"-none"}} {
		require.Error(t, run(t.Context(), args, &out, &out), "%v", args)
	}
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-list"}, &out, &out))
	for _, s := range scenarios() {
		require.Contains(t, out.String(), s.name+" ")
		require.NotNil(t, s.run)
	}
}

func TestEventually(t *testing.T) {
	tries := 0
	require.NoError(t, rig.Eventually(t.Context(), time.Minute, func(context.Context) error {
		if tries++; tries < 3 {
			return errors.New("not yet")
		}
		return nil
	}))
	err := rig.Eventually(t.Context(), 10*time.Millisecond, func(context.Context) error { return errors.New("never") })
	require.ErrorContains(t, err, "never")
	tries = 0
	err = rig.Eventually(t.Context(), 200*time.Millisecond, func(ctx context.Context) error {
		if tries++; tries == 1 {
			return errors.New("what is wrong")
		}
		<-ctx.Done()
		return ctx.Err()
	})
	require.ErrorContains(t, err, "what is wrong", "and not that the last try was interrupted")
}

func TestEqual(t *testing.T) {
	one := map[string]history.Pin{"a": {Name: "1"}}
	require.NoError(t, rig.Equal(one, map[string]history.Pin{"a": {Name: "1"}}))
	require.Error(t, rig.Equal(one, map[string]history.Pin{"a": {Name: "2"}}))
	require.Error(t, rig.Equal(one, nil))
	require.Error(t, rig.Equal(nil, one))
}

// The writers stop at an answer that they must not get, and not at a 503.
func TestWriters(t *testing.T) {
	for status, wrong := range map[int]bool{http.StatusBadRequest: true, http.StatusServiceUnavailable: false, http.StatusNotFound: true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		w := rig.NewWriters(&rig.Env{Rand: rand.New(rand.NewPCG(1, 2))}, 2, "test")
		err := w.Run(ctx, rig.NewClient(process.Endpoint{URL: server.URL}))
		require.Equal(t, wrong, err != nil, "%d: %v", status, err)
		require.Equal(t, wrong, w.Unanswered.Load() == 0)
		require.Zero(t, w.Answered.Load())
		cancel()
		server.Close()
	}
}

// A pin that was acknowledged and is not found is lost, and not removed.
func TestWritersNoticeALoss(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		w.Write([]byte(`{"created":"2024-01-01T00:00:00.000Z"}`))
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := rig.NewWriters(&rig.Env{Rand: rand.New(rand.NewPCG(1, 2))}, 1, "test")
	require.ErrorContains(t, w.Run(ctx, rig.NewClient(process.Endpoint{URL: server.URL})), "not found")
}
