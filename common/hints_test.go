package common

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

func TestPasswordHint(t *testing.T) {
	hash, err := auth.HashPassword("x")
	require.NoError(t, err)
	for _, test := range []struct {
		users auth.Users
		want  string // in the hint
	}{
		{nil, ""},
		{auth.Users{}, ""},
		{auth.Users{"alice": "0123456789abcdef", "bob": hash}, ""},
		{auth.Users{"alice": "ßßßßßßßßßßßßßßß"}, `the password of "alice" is shorter than 16 characters`},
		{auth.Users{"carol": "hunter2", "alice": "hunter2", "bob": "0123456789abcdef"}, `the password of "alice", "carol" is`},
	} {
		cfg := Config{BasicAuthCredentials: test.users}
		hint := cfg.PasswordHint()
		require.Contains(t, hint, test.want)
		require.Equal(t, test.want == "", hint == "")
		require.NotContains(t, hint, "hunter2")
	}
}
