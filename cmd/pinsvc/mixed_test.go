package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// TestMixedCluster: a peer of each program in one cluster, whoever was first.
func TestMixedCluster(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"crdt", "raft"} {
		for _, first := range []string{"pinsvc", "ipfs-cluster-service"} {
			t.Run(first+" first, "+kind, func(t *testing.T) {
				t.Parallel()
				mixedCluster(t, kind, first == "pinsvc")
			})
		}
	}
}

func mixedCluster(t *testing.T, kind string, oursFirst bool) {
	us, them := ours(t), theirs(t)
	o := process.Options{InitFlags: []string{"--consensus", kind}}
	if kind == "crdt" {
		o.Rebroadcast = time.Second
	}
	our := newNode(t, us, o)
	o.Secret = our.folder.Secret()
	their := newNode(t, them, o)
	if oursFirst {
		our.start(us)
		their.start(them, our)
	} else {
		their.start(them)
		our.start(us, their)
	}
	mine, foreign := testCID("pinned at ours"), testCID("pinned at theirs")
	our.pin(mine, "ours")
	their.ctl("pin", "add", "--name", "theirs", "--metadata", "colour=red", foreign)
	our.has(foreign, "theirs")
	their.has(mine, "ours")
	created := our.get(mine).created
	require.Equal(t, created, their.ctlPins()[mine].Metadata[pinset.CreatedKey], "it travels as metadata")
	require.Eventually(t, func() bool {
		return our.ipfs.Pinned(decodeCID(t, foreign)) && their.ipfs.Pinned(decodeCID(t, mine))
	}, patient, 20*time.Millisecond, "each is pinned at both")

	// What the old peer copies to another CID takes the time with it, unless a
	// leader of ours has the last word.
	copied := testCID("copied by theirs")
	their.ctl("pin", "update", "--name", "copied", mine, copied)
	our.has(copied, "copied")
	leads := kind == "raft" && oursFirst
	require.Equal(t, !leads, our.get(copied).created == created)

	// The old peer adds the new one's pin again. On CRDT, and where it is the
	// leader itself, the time of creation becomes that of now. (On Raft the old
	// peer itself shows what a pin does not have with the values of another.)
	their.ctl("pin", "add", "--name", "again", mine)
	our.has(mine, "again")
	if leads {
		require.Equal(t, created, our.get(mine).created, "the leader keeps it")
	} else {
		require.Empty(t, our.ctlPins()[mine].Metadata)
		require.GreaterOrEqual(t, our.get(mine).created, created[:19], "not before the second in which it was made")
		require.Equal(t, our.get(mine).created, our.get(mine).created, "and it stays")
	}
	// The new peer writes the old one's pin, and keeps its metadata and time.
	before := our.get(foreign).created
	our.pin(foreign, "renamed")
	their.has(foreign, "renamed")
	require.Equal(t, before, our.get(foreign).created)

	status, text, err := our.do(http.MethodDelete, "/pins/"+foreign, "")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status, text)
	their.ctl("pin", "rm", mine)
	their.has(foreign, "")
	our.has(mine, "")
	require.Eventually(t, func() bool {
		return !our.ipfs.Pinned(decodeCID(t, mine)) && !their.ipfs.Pinned(decodeCID(t, foreign))
	}, patient, 20*time.Millisecond)
	their.stop()
	our.stop()
}
