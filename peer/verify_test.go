package peer

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/adder/sharding"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
	"github.com/ipfs-cluster/pinsvc/peer/verify"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// flipBlock changes a byte of a block's file on the disk.
func flipBlock(t *testing.T, p *Peer, c cid.Cid) {
	t.Helper()
	key := dshelp.MultihashToDsKey(c.Hash()).String()[1:]
	file := filepath.Join(p.settings.Folder(), "ipfs", "blocks", key[len(key)-3:len(key)-1], key+".data")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	data[len(data)/2] ^= 1
	require.NoError(t, os.WriteFile(file, data, 0o600))
}

// verifyPin verifies a pin through the REST API and returns the lines.
func verifyPin(t *testing.T, p *Peer, query string) (lines []restapi.Verified) {
	t.Helper()
	code, text := requestOf(t, p, "api.restapi", http.MethodPost, "/ipfs/verify?"+query, "")
	require.Equal(t, http.StatusOK, code, text)
	for dec := json.NewDecoder(strings.NewReader(text)); ; {
		var line restapi.Verified
		err := dec.Decode(&line)
		if errors.Is(err, io.EOF) {
			require.True(t, lines[len(lines)-1].Done, text)
			return lines
		}
		require.NoError(t, err, text)
		lines = append(lines, line)
	}
}

// badBlocks returns the blocks that lines report, with the pins they belong to.
func badBlocks(lines []restapi.Verified) map[string]string {
	bad := map[string]string{}
	for _, l := range lines {
		if l.Bad != nil {
			bad[l.Bad.Block] = l.Bad.Pin
		}
	}
	return bad
}

// someShard returns a shard of the only root, and the first block below it.
func someShard(t *testing.T, p *Peer) (shard, leaf cid.Cid) {
	t.Helper()
	for c := range entries(t, p, api.ShardType) {
		raw, err := p.node.BlockGet(t.Context(), api.NewCid(c))
		require.NoError(t, err)
		node, err := sharding.CborDataToNode(raw, "cbor")
		require.NoError(t, err)
		return c, node.Links()[0].Cid
	}
	require.Fail(t, "no shard")
	return
}

// A sharded pin is verified with its cluster DAG and all its shards, by a daemon
// and without one.
func TestVerifyOfAShardedPin(t *testing.T) {
	dir := newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded})
	t.Setenv("CLUSTER_EMBEDDED_PINTIMEOUT", "2s") // nobody has what is damaged
	p := startPeer(t, Options{Folder: dir})
	root := addSharded(t, p, "A", "", noise(t, "verified", 3_000_000))
	requirePinned(t, p, root)
	all := entries(t, p, parts)

	lines := verifyPin(t, p, "cid="+root.String())
	last := lines[len(lines)-1]
	require.EqualValues(t, len(all), last.Pins)
	require.EqualValues(t, len(all), last.AllPins)
	require.Zero(t, last.BadPins)
	require.Greater(t, last.Bytes, uint64(3_000_000))

	shard, leaf := someShard(t, p)
	flipBlock(t, p, leaf)
	require.NoError(t, p.Shutdown(t.Context()))
	bad, last := verifyFolder(t, dir, root)
	require.Equal(t, map[string]string{leaf.String(): shard.String()}, bad)
	require.EqualValues(t, 1, last.BadPins)
	require.EqualValues(t, len(all), last.Pins)
	require.ErrorContains(t, verify.Folder(t.Context(), dir, verify.Options{CID: newCID(t, "never pinned")}, func(restapi.Verified) error { return nil }),
		"is not pinned by this peer's IPFS node")

	p = startPeer(t, Options{Folder: dir})
	require.Equal(t, bad, badBlocks(verifyPin(t, p, "cid="+root.String())))
	lines = verifyPin(t, p, "repair=true&cid="+root.String()) // nobody has it
	require.EqualValues(t, 1, lines[len(lines)-1].BadPins)
	require.Zero(t, lines[len(lines)-1].Repaired)

	// A part that is not in the pinset is missing, too.
	p.shards.Close()
	drop(t, p, shard)
	var why string
	for _, l := range verifyPin(t, p, "cid="+root.String()) {
		if l.Lack != nil {
			require.Equal(t, root.String(), l.Lack.Pin)
			why = l.Lack.Why
		}
	}
	require.Contains(t, why, "shards are not in the pinset")
}

func verifyFolder(t *testing.T, dir string, c cid.Cid) (bad map[string]string, last restapi.Verified) {
	t.Helper()
	var lines []restapi.Verified
	require.NoError(t, verify.Folder(t.Context(), dir, verify.Options{CID: c}, func(l restapi.Verified) error {
		lines = append(lines, l)
		return nil
	}))
	return badBlocks(lines), lines[len(lines)-1]
}

// startTwoEmbedded starts two peers of one cluster that know each other's free space.
func startTwoEmbedded(t *testing.T) (one, two *Peer) {
	t.Helper()
	testfolder.Isolate(t)
	t.Setenv("CLUSTER_SECRET", strings.Repeat("ab", 32))
	t.Setenv("CLUSTER_DISK_METRICTTL", "20s") // it is sent twice as often
	one = startEmbedded(t)
	two = startPeer(t, Options{
		Folder:    newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded}),
		Bootstrap: []multiaddr.Multiaddr{multiaddr.StringCast(url(t, one, "cluster"))},
	})
	waitForSpace(t, one)
	return one, two
}

// waitForSpace waits until a peer knows of two with free space. A busy machine may
// let that knowledge expire, and then refuses an upload before it has read it.
func waitForSpace(t *testing.T, p *Peer) {
	t.Helper()
	require.Eventually(t, func() bool {
		return upload(t, p, "replication=2&no-pin=true", []byte("x")).status == http.StatusOK
	}, patient, 50*time.Millisecond)
}

// Damage in a shard is found by a recover of its root, by sending the root again, and
// repaired from the other peer.
func TestDamagedShardsHeal(t *testing.T) {
	one, two := startTwoEmbedded(t)
	for _, by := range []string{"verify", "recover", "sent again"} {
		t.Run(by, func(t *testing.T) {
			data := noise(t, "healed "+by, 2_000_000)
			waitForSpace(t, one)
			root := addSharded(t, one, strings.ReplaceAll(by, " ", "-"), "&replication-min=2&replication-max=2", data)
			for _, p := range []*Peer{one, two} {
				requirePinned(t, p, root)
				for c := range entries(t, p, parts) {
					require.Eventually(t, func() bool {
						recorded, err := p.node.Recorded(t.Context(), c)
						return err == nil && recorded
					}, patient, 10*time.Millisecond)
				}
			}
			status, _ := statusAt(t, one, root, two)
			require.Equal(t, api.TrackerStatusSharded, status, "a root has no allocations, and all peers are asked")
			_, leaf := someShard(t, two)
			before, err := two.node.Health(t.Context())
			require.NoError(t, err)
			flipBlock(t, two, leaf)
			switch by {
			case "verify":
				lines := verifyPin(t, two, "repair=true&cid="+root.String())
				require.Contains(t, badBlocks(lines), leaf.String())
				require.EqualValues(t, 1, lines[len(lines)-1].Repaired)
			case "recover":
				code, text := requestOf(t, one, "api.restapi", http.MethodPost, "/pins/"+root.String()+"/recover", "")
				require.Equal(t, http.StatusOK, code, text)
			case "sent again":
				code, text := request(t, one, http.MethodPost, "/pins", `{"cid":"`+root.String()+`","name":"again"}`)
				require.Equal(t, http.StatusAccepted, code, text)
			}
			require.Eventually(t, func() bool {
				h, err := two.node.Health(t.Context())
				return err == nil && h.Healed > before.Healed && h.Damaged == 0 && h.IncompletePins == 0
			}, patient, 20*time.Millisecond)
			requireReads(t, two, root, data)
			code, text := requestOf(t, one, "api.restapi", http.MethodDelete, "/pins/"+root.String(), "")
			require.Equal(t, http.StatusOK, code, text)
			require.Eventually(t, func() bool { return len(entries(t, two, api.AllType)) == 0 }, patient, 10*time.Millisecond)
		})
	}
}

// statusAt returns the status that a peer has of a pin, as another one tells it.
func statusAt(t *testing.T, p *Peer, c cid.Cid, at *Peer) (api.TrackerStatus, string) {
	t.Helper()
	code, text := requestOf(t, p, "api.restapi", http.MethodGet, "/pins/"+c.String(), "")
	require.Equal(t, http.StatusOK, code, text)
	var info api.GlobalPinInfo
	require.NoError(t, json.Unmarshal([]byte(text), &info))
	short, ok := info.PeerMap[at.local.id.String()]
	require.True(t, ok, text)
	return short.Status, short.Error
}

// The shards that only another peer has are named.
func TestVerifyNamesShardsElsewhere(t *testing.T) {
	one, two := startTwoEmbedded(t)
	root := addSharded(t, one, "A", "&replication-min=1&replication-max=1", noise(t, "elsewhere", 6_000_000))
	for _, p := range []*Peer{one, two} {
		requirePinned(t, p, root)
		want := map[string]string{}
		for c, pin := range entries(t, p, parts) {
			if pin.IsRemotePin(p.local.id) {
				want[c.String()] = pin.Allocations[0].String()
			}
		}
		got := map[string]string{}
		lines := verifyPin(t, p, "cid="+root.String())
		for _, l := range lines {
			if l.Elsewhere != nil {
				got[l.Elsewhere.Pin] = strings.Join(l.Elsewhere.Peers, " ")
			}
		}
		require.Equal(t, want, got)
		last := lines[len(lines)-1]
		require.EqualValues(t, len(want), last.ElsewherePins)
		require.EqualValues(t, len(entries(t, p, parts))-len(want), last.Pins)
	}
}
