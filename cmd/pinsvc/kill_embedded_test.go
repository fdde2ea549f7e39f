package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/ipld/merkledag"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipldcbor "github.com/ipfs/go-ipld-cbor"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/embedded"
)

// killedDAG is a DAG with its root first, of which the first half of the leaves
// belongs to all such DAGs.
func killedDAG(t *testing.T, number int) []blocks.Block {
	t.Helper()
	const leaves = 60
	var links []any
	all := make([]blocks.Block, 1, leaves+1)
	for i := range leaves {
		text := fmt.Sprint("leaf ", i)
		if i >= leaves/2 {
			text = fmt.Sprint(text, " of ", number)
		}
		leaf := merkledag.NewRawNode(bytes.Repeat([]byte(text), 500))
		all, links = append(all, leaf), append(links, leaf.Cid())
	}
	root, err := ipldcbor.WrapObject(map[string]any{"number": number, "links": links}, mh.SHA2_256, -1)
	require.NoError(t, err)
	all[0] = root
	return all
}

// openNode opens an IPFS node in a folder, with the environment of isolate.
func openNode(t *testing.T, folder string) *embedded.Node {
	t.Helper()
	section := embedded.NewSection()
	require.NoError(t, section.Default())
	require.NoError(t, section.ApplyEnvVars())
	n, err := embedded.New(section.Value(), embedded.Options{BaseDir: folder})
	require.NoError(t, err)
	require.NoError(t, n.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, n.Shutdown(context.Background())) })
	return n
}

// TestKillEmbedded: a peer that is killed while its IPFS node fetches and
// collects garbage goes on by itself. In the end every pin that was
// acknowledged is pinned, with all of its blocks.
func TestKillEmbedded(t *testing.T) {
	const rounds, perRound = 5, 3
	folder := newFolder(t, "--ipfs", "embedded")
	source := openNode(t, t.TempDir())
	id, err := source.ID(t.Context())
	require.NoError(t, err)
	var wanted [][]blocks.Block
	for round := range rounds {
		d := startDaemon(t, folder)
		c := newClient(t, folder, d)
		for i := range perRound {
			dag := killedDAG(t, round*perRound+i)
			stream(t, source, dag)
			body, err := json.Marshal(map[string]any{"cid": dag[0].Cid().String(), "origins": []string{id.Addresses[0].String()}})
			require.NoError(t, err)
			status, text, err := c.do(http.MethodPost, "/pins", string(body))
			require.NoError(t, err)
			require.Equal(t, http.StatusAccepted, status, text)
			wanted = append(wanted, dag)
		}
		if round > 0 { // so that there is garbage
			status, text, err := c.do(http.MethodDelete, "/pins/"+wanted[0][0].Cid().String(), "")
			require.NoError(t, err)
			require.Equal(t, http.StatusAccepted, status, text)
			wanted = wanted[1:]
		}
		killCollecting(t, d, c.token, 1+2*round)
	}

	d := startDaemon(t, folder)
	c := newClient(t, folder, d)
	for _, dag := range wanted {
		require.Eventually(t, func() bool {
			_, text, err := c.do(http.MethodGet, "/pins/"+dag[0].Cid().String(), "")
			return err == nil && strings.Contains(text, `"status":"pinned"`)
		}, 2*patient, 20*time.Millisecond)
	}
	require.NoError(t, source.Shutdown(t.Context()))
	require.True(t, collect(d.url(t, "api.restapi"), c.token))
	require.Zero(t, d.end(t, os.Interrupt), d.errs)
	requireWhole(t, openNode(t, folder), wanted)
}

// stream stores blocks in a node.
func stream(t *testing.T, n *embedded.Node, bs []blocks.Block) {
	t.Helper()
	in := make(chan api.NodeWithMeta, len(bs))
	for _, b := range bs {
		in <- api.NodeWithMeta{Cid: api.NewCid(b.Cid()), Data: b.RawData()}
	}
	close(in)
	require.NoError(t, n.BlockStream(t.Context(), in))
}

// killCollecting kills a daemon that collects garbage without end, after so many
// times.
func killCollecting(t *testing.T, d *daemon, token string, times int) {
	t.Helper()
	base := d.url(t, "api.restapi")
	enough := make(chan struct{})
	var collecting sync.WaitGroup
	collecting.Go(func() {
		for i := 0; collect(base, token); i++ {
			if i+1 == times {
				close(enough)
			}
		}
	})
	select {
	case <-enough:
	case <-time.After(patient):
		t.Error("garbage collection does not end")
	}
	require.Equal(t, -1, d.end(t, os.Kill))
	collecting.Wait()
}

// collect collects garbage through the REST API, and says whether it could.
func collect(base, token string) bool {
	r, err := http.NewRequest(http.MethodPost, base+"/ipfs/gc", nil)
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK
}

// requireWhole checks a node that nobody uses: its pins and their blocks.
func requireWhole(t *testing.T, n *embedded.Node, wanted [][]blocks.Block) {
	t.Helper()
	pinned := make(map[cid.Cid]bool)
	out := make(chan api.IPFSPinInfo, 1000)
	require.NoError(t, n.PinLs(t.Context(), []string{"recursive"}, out))
	for info := range out {
		pinned[info.Cid.Cid] = true
	}
	for _, dag := range wanted {
		require.True(t, pinned[dag[0].Cid()])
		for _, b := range dag {
			ctx, cancel := context.WithTimeout(t.Context(), patient)
			data, err := n.BlockGet(ctx, api.NewCid(b.Cid()))
			cancel()
			require.NoError(t, err)
			require.True(t, bytes.Equal(b.RawData(), data))
		}
	}
}
