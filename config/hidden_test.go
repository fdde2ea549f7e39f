package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A hidden key does not show its value in a mistake, whatever its type says of
// wrong ones.
func TestHiddenKeysAreNotInMistakes(t *testing.T) {
	type hidden struct {
		Open   Duration `json:"open"`
		Secret Duration `json:"secret" hidden:"true"`
	}
	s := New(Spec[hidden]{
		Group: "api", Key: "hidden", Env: "cluster_hidden",
		Defaults: func() hidden { return hidden{} },
		Validate: func(*hidden) []error { return nil },
	})
	require.ErrorContains(t, s.LoadJSON([]byte(`{"open":"hunter2"}`)), "hunter2")
	err := s.LoadJSON([]byte(`{"secret":"hunter2"}`))
	require.ErrorContains(t, err, "api.hidden.secret: must be a string")
	require.NotContains(t, err.Error(), "hunter2")
}
