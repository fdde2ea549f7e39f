package goclient

import (
	"os"
	"strconv"
	"strings"
	"testing"

	pinning "github.com/ipfs/boxo/pinning/remote/client"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"
)

// every filters nothing: without it a list has only what is pinned.
func every() pinning.LsOption {
	return pinning.PinOpts.FilterStatus(
		pinning.StatusQueued, pinning.StatusPinning, pinning.StatusPinned, pinning.StatusFailed)
}

// readCIDs reads one CID a line.
func readCIDs(t *testing.T, file string) []cid.Cid {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var cids []cid.Cid
	for word := range strings.FieldsSeq(string(text)) {
		c, err := cid.Decode(word)
		require.NoError(t, err)
		cids = append(cids, c)
	}
	return cids
}

func nameOf(i int) string {
	return "file " + strconv.Itoa(i)
}

func strs(cids []cid.Cid) []string {
	var s []string
	for _, c := range cids {
		s = append(s, c.String())
	}
	return s
}

func idsOf(pins map[string]status) []string {
	var ids []string
	for id := range pins {
		ids = append(ids, id)
	}
	return ids
}

func requestIDs(pins []status) []string {
	var ids []string
	for _, pin := range pins {
		ids = append(ids, pin.GetRequestId())
	}
	return ids
}

func cidsOf(pins []status) []string {
	var cids []string
	for _, pin := range pins {
		cids = append(cids, pin.GetPin().GetCid().String())
	}
	return cids
}
