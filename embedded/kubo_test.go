package embedded

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	mc "github.com/multiformats/go-multicodec"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	pinnable "github.com/ipfs-cluster/pinsvc/pinset"
)

// kubo is the API of a Kubo without a network.
type kubo struct{ url string }

// startKubo runs the Kubo of tools/kubo in a folder of its own.
func startKubo(t *testing.T) *kubo {
	t.Helper()
	out, err := exec.Command(filepath.Join("..", "tools", "build.sh"), "ipfs").Output()
	require.NoError(t, err)
	program, dir := strings.TrimSpace(string(out)), t.TempDir()
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "IPFS_PATH="+dir, "IPFS_TELEMETRY=off")
		return cmd
	}
	output, err := run("init", "--empty-repo", "--profile", "test,autoconf-off").CombinedOutput()
	require.NoError(t, err, "%s", output)
	daemon := run("daemon", "--offline")
	require.NoError(t, daemon.Start())
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	t.Cleanup(func() {
		_ = daemon.Process.Kill() // it may have ended
		<-ended
	})
	k := &kubo{}
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "api"))
		if err != nil {
			return false
		}
		at, err := ma.NewMultiaddr(strings.TrimSpace(string(text)))
		if err != nil {
			return false
		}
		_, address, err := manet.DialArgs(at)
		k.url = "http://" + address + "/api/v0/"
		return err == nil && k.call("id", nil, nil, nil) == nil
	}, waitMax, 50*time.Millisecond)
	return k
}

// kuboError is what a Kubo answers instead of a result.
type kuboError struct{ Message string }

func (e *kuboError) Error() string { return e.Message }

// call posts data, if there is any, and decodes the result.
func (k *kubo) call(path string, query url.Values, data []byte, result any) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if data != nil {
		part, err := form.CreateFormFile("data", "data")
		if err != nil {
			return err
		}
		if _, err := part.Write(data); err != nil {
			return err
		}
	}
	if err := form.Close(); err != nil {
		return err
	}
	res, err := http.Post(k.url+path+"?"+query.Encode(), form.FormDataContentType(), &body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return &kuboError{string(text)}
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(text, result)
}

// pin puts a block and pins it. The CID is undefined when the block is refused.
func (k *kubo) pin(codec mc.Code, hash string, size string, data []byte) (cid.Cid, error) {
	var put struct{ Key string }
	query := url.Values{"cid-codec": {codec.String()}, "mhtype": {hash}, "mhlen": {size}}
	if err := k.call("block/put", query, data, &put); err != nil {
		return cid.Undef, err
	}
	c, err := cid.Decode(put.Key)
	if err != nil {
		return cid.Undef, err
	}
	return c, k.call("pin/add", url.Values{"arg": {put.Key}}, nil, nil)
}

// What the Kubo beside it pins, this node pins, and nothing else.
func TestPinsWhatKuboPins(t *testing.T) {
	if testing.Short() {
		t.Skip("it may have to build Kubo")
	}
	t.Parallel()
	k, n := startKubo(t), startNode(t)
	type row struct {
		codec      mc.Code
		hash, size string
		data       string
		pinned     bool
	}
	rows := []row{
		{mc.Raw, "sha2-256", "-1", "x", true},
		{mc.DagPb, "sha2-256", "-1", "\x0a\x01x", true},
		{mc.DagPb, "sha2-256", "-1", "x", false},
		{mc.DagCbor, "sha2-256", "-1", "\xa0", true},
		{mc.DagCbor, "sha2-256", "-1", "\x9f\xff", false},
		{mc.DagCbor, "sha2-256", "-1", "\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00", false},
		{mc.DagCbor, "sha2-256", "-1", "\x18\x01", false},
		{mc.Cbor, "sha2-256", "-1", "\xa0", true},
		{mc.DagJson, "sha2-256", "-1", `{"a":1}`, true},
		{mc.DagJson, "sha2-256", "-1", `{"a":`, false},
		{mc.Json, "sha2-256", "-1", `{"a":1}`, true},
		{mc.GitRaw, "sha1", "-1", "blob 1\x00x", true},
		{mc.GitRaw, "sha1", "-1", "x", false},
		{mc.DagJose, "sha2-256", "-1", "\xa2gpayloadX\x26\x01\x55\x00\x22" + strings.Repeat("x", 34) + "jsignatures\x81\xa1isignatureA\x01", true},
		{mc.DagJose, "sha2-256", "-1", "\xa0", false},
		{mc.Libp2pKey, "sha2-256", "-1", "x", false},
		{mc.EthBlock, "sha2-256", "-1", "x", false},
		{mc.GitRaw, "md5", "-1", "x", false},
		{mc.Raw, "sha2-256", "20", "x", true},
		{mc.Raw, "sha2-256", "19", "x", false},
		{mc.Raw, "identity", "-1", strings.Repeat("x", 128), true},
		{mc.Raw, "identity", "-1", strings.Repeat("x", 129), false},
	}
	for hash, pinned := range map[string]bool{
		"sha1": true, "sha2-512": true, "dbl-sha2-256": true, "blake3": true, "identity": true,
		"sha3-224": true, "sha3-256": true, "sha3-384": true, "sha3-512": true, "shake-256": true,
		"keccak-256": true, "keccak-512": true, "blake2b-160": true, "blake2b-256": true, "blake2b-512": true,
		"blake2s-256": true, "md5": false, "murmur3-x64-64": false, "keccak-224": false, "keccak-384": false,
		"shake-128": false, "blake2b-152": false, "blake2s-160": false, "sha2-256-trunc254-padded": false,
	} {
		rows = append(rows, row{mc.Raw, hash, "-1", "x", pinned})
	}
	for _, r := range rows {
		t.Run(strings.Join([]string{r.codec.String(), r.hash, r.size, r.data[:min(len(r.data), 8)]}, " "), func(t *testing.T) {
			c, err := k.pin(r.codec, r.hash, r.size, []byte(r.data))
			if r.pinned {
				require.NoError(t, err, "Kubo")
			} else {
				require.ErrorAs(t, err, new(*kuboError), "Kubo")
			}
			if !c.Defined() {
				c = anyCID(t, r.codec, r.hash, r.size, len(r.data))
			}
			why := pinnable.CheckCID(c)
			if why == nil {
				b, err := blocks.NewBlockWithCid([]byte(r.data), c)
				require.NoError(t, err)
				load(t, n, b)
				why = n.Pin(t.Context(), pinOf(c, nil))
			}
			require.Equal(t, r.pinned, why == nil, "this node: %v", why)
		})
	}
}

// anyCID is a CID with a hash that Kubo refuses to compute, of length bytes, or
// when that is -1 as many as the function has. An identity CID has size bytes.
func anyCID(t *testing.T, codec mc.Code, hash, length string, size int) cid.Cid {
	t.Helper()
	code, ok := mh.Names[hash]
	require.True(t, ok, hash)
	n, err := strconv.Atoi(length)
	require.NoError(t, err)
	switch {
	case code == mh.IDENTITY:
		n = size
	case n < 0:
		n = mh.DefaultLengths[code]
	}
	digest, err := mh.Encode(make([]byte, max(n, 0)), code)
	require.NoError(t, err)
	return cid.NewCidV1(uint64(codec), digest)
}
