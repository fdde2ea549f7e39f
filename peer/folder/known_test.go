package folder

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
)

func TestKnownPeers(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ping := func(id string, at time.Time) api.Metric {
		return api.Metric{Peer: libp2p.ID(id), Value: fmt.Sprintf(`{"peer_name":"name of %s"}`, id), ReceivedAt: at.UnixNano()}
	}
	var k KnownPeers
	require.True(t, k.See([]api.Metric{ping("b", start), ping("a", start)}, start))
	require.False(t, k.See([]api.Metric{ping("a", start.Add(time.Second)), ping("b", start)}, start.Add(time.Second)))
	require.True(t, k.See([]api.Metric{ping("b", start.Add(time.Minute))}, start.Add(time.Minute)), "a has gone")
	require.Equal(t, []KnownPeer{
		{ID: "a", Name: "name of a", LastSeen: start.Add(time.Second), Since: start},
		{ID: "b", Name: "name of b", Seen: true, LastSeen: start.Add(time.Minute), Since: start},
	}, k.Peers)

	require.True(t, k.Note([]libp2p.ID{"never"}, start))
	require.False(t, k.Forget("self", nil, start.Add(knownFor)))
	require.True(t, k.Forget("self", nil, start.Add(knownFor+2*time.Second)))
	require.Nil(t, k.find("a"), "not seen for long")
	require.Nil(t, k.find("never"))
	require.NotNil(t, k.find("b"), "it is there")
	require.True(t, k.Forget("self", []libp2p.ID{"self", "c"}, start), "b was removed from a Raft cluster")
	require.Empty(t, k.Peers)

	k.Note([]libp2p.ID{"raft"}, start)
	require.False(t, k.Forget("self", []libp2p.ID{"self", "raft"}, start.Add(2*knownFor)), "a Raft member is not forgotten")
	for i := range maxKnown {
		k.Note([]libp2p.ID{libp2p.ID(fmt.Sprint(i))}, start.Add(time.Hour))
	}
	require.True(t, k.Forget("self", nil, start))
	require.Len(t, k.Peers, maxKnown)
	require.Nil(t, k.find("raft"), "the oldest")
}

func TestKnownPeersFile(t *testing.T) {
	folder := t.TempDir()
	none, err := ReadKnownPeers(folder)
	require.NoError(t, err)
	require.Empty(t, none.Peers)
	one := KnownPeers{Peers: []KnownPeer{{ID: mustPeerID(t), Name: "x", Since: time.Unix(1, 0).UTC()}}}
	require.NoError(t, one.Write(folder))
	read, err := ReadKnownPeers(folder)
	require.NoError(t, err)
	require.Equal(t, one, read)
	require.NoError(t, os.WriteFile(filepath.Join(folder, KnownFile), []byte("{"), 0o600))
	_, err = ReadKnownPeers(folder)
	require.ErrorContains(t, err, KnownFile)
}

func mustPeerID(t *testing.T) libp2p.ID {
	t.Helper()
	id, err := libp2p.Decode("12D3KooWEgma3C362tkHGPFmiCXVXQqMxVs8ij6H5LeWS2ivBwq1")
	require.NoError(t, err)
	return id
}
