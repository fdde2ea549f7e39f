package restapi

import (
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api/rest"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func TestDefaultConfig(t *testing.T) {
	cfg := NewSection().Value()
	require.Empty(t, cfg.Validate())
	require.Equal(t, []string{"/ip4/127.0.0.1/tcp/9094"}, cfg.HTTPListenMultiaddress.Strings())
	require.Nil(t, cfg.BasicAuthCredentials)
	require.False(t, cfg.CORSAllowCredentials)
	require.Equal(t, []string{"GET"}, cfg.CORSAllowedMethods)
}

// A section that v1.1.6 has written loads here, and one of ours loads there.
func TestSectionOfOlderPeers(t *testing.T) {
	theirs := rest.NewConfig()
	require.NoError(t, theirs.Default())
	written, err := theirs.ToJSON()
	require.NoError(t, err)
	ours := NewSection()
	require.Equal(t, "api.restapi", ours.Name())
	require.NoError(t, ours.LoadJSON(written))
	require.Empty(t, ours.Warnings())
	require.Equal(t, theirs.HTTPListenAddr, []multiaddr.Multiaddr(ours.Value().HTTPListenMultiaddress))

	written, err = ours.ToJSON()
	require.NoError(t, err)
	require.NoError(t, rest.NewConfig().LoadJSON(written))
}

func TestEnvironment(t *testing.T) {
	t.Setenv("CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS", "/ip4/127.0.0.1/tcp/1")
	t.Setenv("CLUSTER_RESTAPI_BASICAUTHCREDENTIALS", "alice:secret")
	s := NewSection()
	require.NoError(t, s.ApplyEnvVars())
	require.Equal(t, []string{"/ip4/127.0.0.1/tcp/1"}, s.Value().HTTPListenMultiaddress.Strings())
	require.Len(t, s.Value().BasicAuthCredentials, 1)
}
