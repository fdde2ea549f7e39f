package restapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/api/rest/client"
	"github.com/ipfs/boxo/files"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
	cbor "github.com/ipfs/go-ipld-cbor"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
)

// add uploads a text with the library's client.
func add(t testing.TB, c client.Client, text string, params api.AddParams) ([]api.AddedOutput, error) {
	t.Helper()
	content := files.NewMapDirectory(map[string]files.Node{"file": files.NewBytesFile([]byte(text))})
	return all(t, func(out chan<- api.AddedOutput) error {
		return c.AddMultiFile(t.Context(), files.NewMultiFileReader(content, true, false), params, out)
	})
}

// store is a peer with an IPFS node, as far as the adder knows one.
type store struct {
	mu        sync.Mutex
	blocks    map[cid.Cid]int
	pins      []api.Pin
	err       error // of an allocation
	streamErr error
	pinErr    error
	pinned    func(n int) error // called for each pin, counted from 1
	stat      api.IPFSRepoStat
	arrived   func() // called for each block
}

func newStore(t testing.TB) (*store, *rpc.Client) {
	s := &store{blocks: make(map[cid.Cid]int), arrived: func() {}}
	server := rpc.NewServer(nil, "test")
	require.NoError(t, server.RegisterName("Cluster", &storeCluster{s}))
	require.NoError(t, server.RegisterName("IPFSConnector", &storeIPFS{s}))
	return s, rpc.NewClientWithServer(nil, "test", server, rpc.WithMultiStreamBufferSize(1024))
}

type storeCluster struct{ s *store }

func (c *storeCluster) BlockAllocate(_ context.Context, _ api.Pin, out *[]peer.ID) error {
	*out = []peer.ID{""}
	return c.s.err
}

func (c *storeCluster) Pin(_ context.Context, in api.Pin, out *api.Pin) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	err := c.s.pinErr
	if err == nil && c.s.pinned != nil {
		err = c.s.pinned(len(c.s.pins) + 1)
	}
	if err == nil {
		c.s.pins = append(c.s.pins, in)
	}
	*out = in
	return err
}

type storeIPFS struct{ s *store }

// noStat makes the node fail when it is asked how full it is.
const noStat = 666

func (i *storeIPFS) RepoStat(_ context.Context, _ struct{}, out *api.IPFSRepoStat) error {
	if i.s.stat.StorageMax == noStat {
		return errors.New("it does not answer")
	}
	*out = i.s.stat
	return nil
}

func (i *storeIPFS) BlockStream(ctx context.Context, in <-chan api.NodeWithMeta, out chan<- struct{}) error {
	defer close(out)
	if i.s.streamErr != nil {
		return i.s.streamErr
	}
	for {
		select {
		case n, ok := <-in:
			if !ok {
				return nil
			}
			i.s.mu.Lock()
			i.s.blocks[n.Cid.Cid] = len(n.Data)
			i.s.mu.Unlock()
			i.s.arrived()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startAdder returns a client of a component with that store.
func startAdder(t *testing.T) (*store, client.Client, string) {
	a := serve(t, "", func(c *Config) { c.BasicAuthCredentials = nil })
	s, rpcClient := newStore(t)
	a.SetClient(rpcClient)
	return s, dial(t, client.Config{APIAddr: a.Addresses()[0]}), a.URLs()[0]
}

func TestAdd(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*api.AddParams)
		blocks int // at least
		pins   int
	}{
		"a file":     {func(*api.AddParams) {}, 1, 1},
		"a folder":   {func(p *api.AddParams) { p.Wrap = true }, 2, 1},
		"CIDv1":      {func(p *api.AddParams) { p.CidVersion, p.RawLeaves = 1, true }, 1, 1},
		"another":    {func(p *api.AddParams) { p.CidVersion, p.RawLeaves, p.HashFun = 1, true, "blake2b-256" }, 1, 1},
		"in chunks":  {func(p *api.AddParams) { p.Chunker = "size-3" }, 4, 1},
		"trickle":    {func(p *api.AddParams) { p.Layout, p.Chunker = "trickle", "size-3" }, 4, 1},
		"not pinned": {func(p *api.AddParams) { p.NoPin = true }, 1, 0},
		"shards":     {func(p *api.AddParams) { p.Shard, p.Name = true, "sharded" }, 3, 3},
		"options": {func(p *api.AddParams) {
			p.Name, p.Metadata, p.ReplicationFactorMin, p.ReplicationFactorMax = "n", map[string]string{"k": "v"}, 1, 1
		}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, c, _ := startAdder(t)
			params := api.DefaultAddParams()
			test.change(&params)
			added, err := add(t, c, "content\n", params)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(s.blocks), test.blocks)
			require.Len(t, s.pins, test.pins)
			root := added[len(added)-1]
			if params.Shard {
				require.Equal(t, "sharded-clusterDAG", root.Name)
				return
			}
			require.Contains(t, s.blocks, root.Cid.Cid)
			if test.pins > 0 {
				require.Equal(t, root.Cid, s.pins[0].Cid)
				require.True(t, s.pins[0].PinOptions.Equals(params.PinOptions))
			}
		})
	}
}

func TestAddedContentIsWhereIPFSWouldPutIt(t *testing.T) {
	_, c, _ := startAdder(t)
	added, err := add(t, c, "hello world\n", api.DefaultAddParams())
	require.NoError(t, err)
	require.Equal(t, "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o", added[len(added)-1].Cid.String())
}

// form makes an upload by hand.
func form(t testing.TB, parts ...string) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, part := range parts {
		p, err := w.CreateFormFile("file", "file")
		require.NoError(t, err)
		_, err = io.WriteString(p, part)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return body, w.FormDataContentType()
}

func TestAddMistakes(t *testing.T) {
	s, _, url := startAdder(t)
	good, goodType := form(t, "content")
	empty, emptyType := form(t)
	for name, test := range map[string]struct {
		query, body, contentType string
		message                  string
	}{
		"no form":         {"", "content", "text/plain", "multipart/form-data"},
		"no type":         {"", "content", "", "multipart/form-data"},
		"no boundary":     {"", "content", "multipart/form-data", "boundary"},
		"no parts":        {"", empty.String(), emptyType, "body: there is nothing in it"},
		"nothing":         {"", "", goodType, "body: "},
		"format":          {"format=tar", good.String(), goodType, "format"},
		"layout":          {"layout=odd", good.String(), goodType, "layout"},
		"shard":           {"shard=maybe", good.String(), goodType, "shard"},
		"chunker":         {"chunker=odd", good.String(), goodType, "chunker: "},
		"hash":            {"hash=odd&cid-version=1", good.String(), goodType, "hash"},
		"CID version":     {"cid-version=7", good.String(), goodType, "CID"},
		"no CAR":          {"format=car", good.String(), goodType, "body: "},
		"a wrapped CAR":   {"format=car&wrap-with-directory=true", good.String(), goodType, "CAR"},
		"mode":            {"mode=odd", good.String(), goodType, "mode"},
		"reserved":        {"meta-pinsvc-x=y", good.String(), goodType, "reserved"},
		"query":           {"a=%zz", good.String(), goodType, "query"},
		"unpinnable":      {"hash=murmur3-x64-64&cid-version=1", good.String(), goodType, "hash: "},
		"md5":             {"hash=md5&cid-version=1", good.String(), goodType, "hash: "},
		"unpinned shards": {"shard=true&no-pin=true", good.String(), goodType, "no-pin: "},
		"a tiny shard":    {"shard=true&shard-size=1&name=n", good.String(), goodType, "shard-size"},
		"not as a stream": {"stream-channels=false&chunker=odd", good.String(), goodType, "chunker: "},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest("POST", url+"/add?"+test.query, strings.NewReader(test.body))
			require.NoError(t, err)
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			res, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, 400, res.StatusCode, "%s", body)
			require.Contains(t, requireError(t, 400, body), test.message)
			require.Empty(t, s.pins)
		})
	}
}

func TestAddFailures(t *testing.T) {
	follower := errors.New("this peer is configured to be in follower mode. Write operations are disabled")
	for name, test := range map[string]struct {
		change func(*store)
		code   int // of the client's error
	}{
		"a follower":        {func(s *store) { s.err = follower }, 403},
		"too few peers":     {func(s *store) { s.err = errors.New("not enough peers to allocate CID. Needed at least: 2.") }, 503},
		"IPFS is away":      {func(s *store) { s.streamErr = errors.New("connection refused") }, 503},
		"it cannot be pins": {func(s *store) { s.pinErr = follower }, 403},
		"unknown":           {func(s *store) { s.err = errors.New("private") }, 500},
	} {
		for _, shard := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s, c, _ := startAdder(t)
				test.change(s)
				params := api.DefaultAddParams()
				params.Shard = shard
				_, err := add(t, c, strings.Repeat("content\n", 100_000), params)
				require.NotContains(t, err.Error(), "private")
				requireCode(t, test.code, err)
				require.Empty(t, s.pins)
			})
		}
	}
}

// An upload that is not taken because the IPFS node's storage is full says so.
func TestAddToAFullDisk(t *testing.T) {
	for name, test := range map[string]struct {
		stat api.IPFSRepoStat
		want string
	}{
		"full":        {api.IPFSRepoStat{RepoSize: 90 << 20, StorageMax: 100 << 20}, "the disk is full: the IPFS node has 90 MiB in use and room for 100 MiB"},
		"half full":   {api.IPFSRepoStat{RepoSize: 50 << 20, StorageMax: 100 << 20}, "no IPFS node has taken the content"},
		"not limited": {api.IPFSRepoStat{RepoSize: 50 << 20}, "no IPFS node has taken the content"},
		"not known":   {api.IPFSRepoStat{RepoSize: 1, StorageMax: noStat}, "no IPFS node has taken the content"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, url := startAdder(t)
			s.streamErr, s.stat = errors.New("storage limit reached"), test.stat
			body, contentType := form(t, "content")
			res, err := http.Post(url+"/add?stream-channels=false", contentType, body)
			require.NoError(t, err)
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, 503, res.StatusCode, "%s", text)
			require.NotEmpty(t, res.Header.Get("Retry-After"))
			require.Contains(t, string(text), test.want)
			require.Empty(t, s.pins)
		})
	}
}

// postForm sends an upload and returns the status, the lines of the answer and the
// trailer.
func postForm(t *testing.T, url, contentType string, body io.Reader) (int, []map[string]any, string) {
	t.Helper()
	res, err := http.Post(url, contentType, body)
	require.NoError(t, err)
	defer res.Body.Close()
	var lines []map[string]any
	for dec := json.NewDecoder(res.Body); ; {
		var line map[string]any
		err := dec.Decode(&line)
		if err == io.EOF {
			return res.StatusCode, lines, res.Trailer.Get(errorTrailer)
		}
		require.NoError(t, err)
		lines = append(lines, line)
	}
}

// A file that is cut off is not pinned, and its CID is not told.
func TestAddIsCutOff(t *testing.T) {
	for _, cut := range []int{30, 65, 75} {
		s, _, url := startAdder(t)
		body, contentType := form(t, "content")
		body.Truncate(body.Len() - cut)
		code, lines, _ := postForm(t, url+"/add", contentType, body)
		require.Equal(t, 400, code)
		require.Len(t, lines, 1)
		require.Contains(t, lines[0]["message"], "body: ")
		require.Empty(t, s.pins)
	}
}

// Each file of an upload is pinned, on its own, before its CID is told.
func TestAddSeveralFiles(t *testing.T) {
	for _, query := range []string{"", "format=car&", "shard=true&name=n&"} {
		t.Run(query, func(t *testing.T) {
			s, _, url := startAdder(t)
			contents := []string{"one", "two", "three", "two"}
			if query == "format=car&" {
				for i, text := range contents {
					contents[i] = carOf(t, text)
				}
			}
			body, contentType := form(t, contents...)
			code, lines, trailer := postForm(t, url+"/add?"+query, contentType, body)
			require.Equal(t, 200, code)
			require.Empty(t, trailer)
			pinned := make(map[string]int)
			for _, p := range s.pins {
				if p.Type == api.DataType || p.Type == api.MetaType {
					pinned[p.Cid.String()]++
				}
			}
			require.Len(t, pinned, 3)
			roots := 0
			for _, line := range lines {
				if line["name"] == "file" {
					require.Contains(t, pinned, line["cid"])
					roots++
				}
			}
			require.Equal(t, 4, roots)
		})
	}
}

// carOf makes a CAR with one block.
func carOf(t *testing.T, text string) string {
	t.Helper()
	block := merkledag.NewRawNode([]byte(text))
	header, err := cbor.DumpObject(map[string]any{"roots": []cid.Cid{block.Cid()}, "version": 1})
	require.NoError(t, err)
	var out bytes.Buffer
	for _, part := range [][]byte{header, append(block.Cid().Bytes(), block.RawData()...)} {
		out.Write(binary.AppendUvarint(nil, uint64(len(part))))
		out.Write(part)
	}
	return out.String()
}

// An error after the first file is the last object of the answer. What was told
// before is pinned.
func TestAddFailsAfterTheFirstFile(t *testing.T) {
	s, _, url := startAdder(t)
	s.pinned = func(n int) error {
		if n == 2 {
			return errors.New("the disk is full: free some space on it")
		}
		return nil
	}
	body, contentType := form(t, "one", "two", "three")
	code, lines, trailer := postForm(t, url+"/add", contentType, body)
	require.Equal(t, 200, code)
	require.Len(t, lines, 2)
	require.Equal(t, s.pins[0].Cid.String(), lines[0]["cid"])
	require.Equal(t, map[string]any{"code": 503.0, "message": "the disk is full: free some space on it"}, lines[1])
	require.Contains(t, trailer, "the disk is full")
	require.Len(t, s.pins, 1)
}

// An upload that nobody takes is not read to its end.
func TestAddStopsReading(t *testing.T) {
	for _, query := range []string{"", "shard=true&shard-size=1000000&name=n"} {
		for name, change := range map[string]func(*store){
			"a node that takes nothing": func(s *store) { s.streamErr = errors.New("storage limit reached") },
			"a full node": func(s *store) {
				s.stat = api.IPFSRepoStat{RepoSize: 99 << 20, StorageMax: 99 << 20}
				s.streamErr = errors.New("storage limit reached")
			},
			"too few peers": func(s *store) { s.err = errors.New("not enough peers to allocate CID") },
		} {
			t.Run(query+name, func(t *testing.T) {
				s, _, url := startAdder(t)
				change(s)
				body := &countedReader{left: 1 << 30, head: "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"}
				code, lines, _ := postForm(t, url+"/add?"+query, "multipart/form-data; boundary=b", body)
				require.Equal(t, 503, code)
				require.Len(t, lines, 1)
				require.Less(t, body.read.Load(), int64(200<<20))
				require.Empty(t, s.pins)
			})
		}
	}
}

// countedReader is a text, and zeros after it.
type countedReader struct {
	head string
	left int64
	read atomic.Int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	if r.head != "" {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	n := int(min(int64(len(p)), r.left))
	if n == 0 {
		return 0, io.EOF
	}
	_, _ = rand.Read(p[:n])
	r.left -= int64(n)
	r.read.Add(int64(n))
	return n, nil
}

// A failed sharded add is told to who keeps its parts, with the ID that they have.
func TestShardedAddsAreTold(t *testing.T) {
	for _, fails := range []bool{false, true} {
		s, rpcClient := newStore(t)
		told := &toldAdds{}
		a := serve(t, "", func(c *Config) { c.BasicAuthCredentials = nil })
		a.cluster.(*rpcCluster).adds = told
		a.SetClient(rpcClient)
		s.pinned = func(n int) error {
			if fails && n == 3 { // the root
				return errors.New("cannot repin CID with different tracking method")
			}
			return nil
		}
		body, contentType := form(t, "content")
		code, lines, _ := postForm(t, a.URLs()[0]+"/add?shard=true&name=n", contentType, body)
		if fails {
			require.Equal(t, 400, code)
			require.Len(t, lines, 1, "nothing was told before")
		}
		require.Equal(t, []bool{fails}, told.failed)
		for _, p := range s.pins {
			require.Equal(t, "the ID", p.Metadata[AddKey])
		}
	}
}

type toldAdds struct{ failed []bool }

func (*toldAdds) BeginAdd() string { return "the ID" }
func (a *toldAdds) EndAdd(_ context.Context, _ string, failed bool) {
	a.failed = append(a.failed, failed)
}

// Without streaming, the answer is one document.
func TestAddWithoutStreaming(t *testing.T) {
	s, _, url := startAdder(t)
	post := func() (int, string) {
		body, contentType := form(t, "one")
		res, err := http.Post(url+"/add?stream-channels=false&wrap-with-directory=true", contentType, body)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text)
	}
	code, text := post()
	require.Equal(t, 200, code)
	require.True(t, strings.HasPrefix(text, `[{"name":"`), text)
	s.pinErr = errors.New("not enough peers to allocate CID. Needed at least: 2")
	code, text = post()
	require.Equal(t, 503, code, text)
}

// What is added is told while the rest is still being sent.
func TestAddAnswersWhileItReads(t *testing.T) {
	_, _, url := startAdder(t)
	body, send := io.Pipe()
	form := multipart.NewWriter(send)
	part := func(name string) {
		p, err := form.CreateFormFile("file", name)
		require.NoError(t, err)
		_, err = io.WriteString(p, "content of "+name)
		require.NoError(t, err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		part("one")
		part("two") // only now it is clear that the first has ended
	}()
	r, err := http.NewRequest("POST", url+"/add", body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	<-sent
	require.Equal(t, 200, res.StatusCode)
	first := make([]byte, 20)
	_, err = io.ReadFull(res.Body, first)
	require.NoError(t, err)
	require.Contains(t, string(first), "one")
	require.NoError(t, form.Close())
	require.NoError(t, send.Close())
	rest, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Contains(t, string(rest), "two")
	require.Equal(t, []string{""}, res.Trailer.Values(errorTrailer))
}

// A client that goes away in the middle of an upload leaves nothing behind.
func TestAddIsGivenUp(t *testing.T) {
	s, _, url := startAdder(t)
	arrived := make(chan struct{})
	s.arrived = sync.OnceFunc(func() { close(arrived) })
	body, send := io.Pipe()
	form := multipart.NewWriter(send)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		p, err := form.CreateFormFile("file", "large")
		if err == nil {
			_, _ = io.Copy(p, rand.Reader) // without an end
		}
	}()
	r, err := http.NewRequestWithContext(ctx, "POST", url+"/add?chunker=size-1000", body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	done := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		done <- err
	}()
	<-arrived
	cancel()
	require.Error(t, <-done)
	require.NoError(t, send.Close())
	require.Empty(t, s.pins)
}
