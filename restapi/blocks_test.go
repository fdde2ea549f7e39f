package restapi

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// fakeBlocks has one bad block, and an error after it if set.
type fakeBlocks struct {
	asked string
	err   error
}

func (f *fakeBlocks) Verify(_ context.Context, c api.Cid, wait bool) iter.Seq2[Verified, error] {
	f.asked = fmt.Sprint(c, " ", wait)
	return func(yield func(Verified, error) bool) {
		if f.err != nil {
			yield(Verified{}, f.err)
			return
		}
		_ = yield(Verified{Pins: 1, Bad: &BadBlock{Pin: "a", Block: "b"}}, nil) && yield(Verified{Pins: 1, Done: true}, nil)
	}
}

func (f *fakeBlocks) Health(context.Context) (BlockHealth, error) {
	return BlockHealth{Damaged: 2, Incomplete: []LackLine{}, GCBlocked: []LackLine{}}, f.err
}

func TestVerify(t *testing.T) {
	blocks := &fakeBlocks{}
	a := newTestAPI(t, WithBlocks(blocks))
	for _, tt := range []struct {
		target string
		status int
		asked  string
	}{
		{"/ipfs/verify", 200, api.CidUndef.String() + " false"},
		{"/ipfs/verify?cid=" + cidA.String(), 200, cidA.String() + " false"},
		{"/ipfs/verify?repair=true", 200, api.CidUndef.String() + " true"},
		{"/ipfs/verify?repair=maybe", 400, ""},
		{"/ipfs/verify?cid=x", 400, ""},
	} {
		blocks.asked = ""
		res, _ := a.do("POST", tt.target, "")
		require.Equal(t, tt.status, res.Code, tt.target)
		if tt.status == http.StatusOK {
			require.Equal(t, tt.asked, blocks.asked, tt.target)
			require.Contains(t, res.Body.String(), `"bad":{"pin":"a","block":"b","damaged":false}`)
			require.Contains(t, res.Body.String(), `"done":true`)
		}
	}
	res, _ := a.do("GET", "/ipfs/verify", "")
	require.Equal(t, 200, res.Code)
	require.Contains(t, res.Body.String(), `"damaged_blocks":2`)

	blocks.err = pinset.NotFound("it is not pinned")
	res, _ = a.do("POST", "/ipfs/verify?cid="+cidA.String(), "")
	require.Equal(t, 404, res.Code)
	require.Contains(t, res.Body.String(), "it is not pinned")

	none := newTestAPI(t)
	for _, method := range []string{"POST", "GET"} {
		res, _ = none.do(method, "/ipfs/verify", "")
		require.Equal(t, 404, res.Code, "a Kubo")
	}
}
