package main

import (
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"

	dshelp "github.com/ipfs/boxo/datastore/dshelp"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	flatfs "github.com/ipfs/go-ds-flatfs"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
)

func TestCorpusFile(t *testing.T) {
	values, err := corpusFile("go test fuzz v1\nstring(\"a\\n\\\"\")\nint(3)\n[]byte(\"\\xff)\")\n")
	require.NoError(t, err)
	require.Equal(t, []string{"a\n\"", "\xff)"}, values)
	for _, text := range []string{"", "go test fuzz v2\n", "go test fuzz v1\nstring(a)\n"} {
		_, err := corpusFile(text)
		require.Error(t, err, text)
	}
}

// What a peer does with a connection is told apart.
func TestSendRequest(t *testing.T) {
	const late = 3 * more
	for name, tt := range map[string]struct {
		serve  func(net.Conn)
		status int
		hungUp bool
		fails  bool
	}{
		"it answers":           {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, 400, false, false},
		"it hangs up":          {func(net.Conn) {}, 0, false, false},
		"it waits for the end": {func(c net.Conn) { io.Copy(io.Discard, c); io.WriteString(c, "HTTP/1.1 408 Late\r\n\r\n") }, 408, true, false},
		"it answers in two pieces": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 2")
			time.Sleep(late)
			io.WriteString(c, "02 OK\r\n\r\n")
		}, 202, true, false},
		"it does nothing": {func(net.Conn) { time.Sleep(4 * late) }, 0, true, true},
		"it is no HTTP":   {func(c net.Conn) { io.WriteString(c, "hello world\r\n") }, 0, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				c.Read(make([]byte, 100))
				tt.serve(c)
			}()
			status, hungUp, err := request{address: l.Addr().String(), bytes: "GET / HTTP/1.1\r\n"}.send(t.Context(), 2*late)
			require.Equal(t, tt.fails, err != nil, err)
			require.Equal(t, tt.status, status)
			if !tt.fails {
				require.Equal(t, tt.hungUp, hungUp)
			}
		})
	}
}

// Makers make as many requests as they are asked for, all of them different.
func TestMakers(t *testing.T) {
	t.Chdir("../..")
	c := rig.NewClient(process.Endpoint{URL: "http://127.0.0.1:1", User: "u", Password: "p"})
	h := &hostility{Env: &rig.Env{Rand: rand.New(rand.NewPCG(1, 2))}, peer: &rig.Peer{Pins: c, Rest: c}}
	makers, err := h.makers()
	require.NoError(t, err)
	require.Greater(t, h.inputs, 78, "those on disk, and ours")
	seen := map[string]bool{}
	for _, m := range makers {
		all := m.all(100)
		require.GreaterOrEqual(t, len(all), 100, m.what)
		for _, r := range all {
			require.NotContains(t, r.bytes, "AUTH", m.what)
			seen[r.bytes] = true
		}
	}
	require.Greater(t, len(seen), 2000)
}

func TestMetric(t *testing.T) {
	n, err := rig.Metric("# HELP a b\na_total 3\na 1.5e+06\n", "a")
	require.NoError(t, err)
	require.Equal(t, 1_500_000, n)
	_, err = rig.Metric("a_total 3\n", "a")
	require.Error(t, err)
}

// Blocks that are damaged are found.
func TestVerifyBlocks(t *testing.T) {
	folder := t.TempDir()
	blocks, err := flatfs.CreateOrOpen(folder, flatfs.NextToLast(2), false)
	require.NoError(t, err)
	sum, err := multihash.Sum([]byte("good"), multihash.SHA2_256, -1)
	require.NoError(t, err)
	key := dshelp.MultihashToDsKey(sum)
	require.NoError(t, blocks.Put(t.Context(), key, []byte("good")))
	n, err := verifyBlocks(folder)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, blocks.Put(t.Context(), key, []byte("evil")))
	require.NoError(t, blocks.Close())
	_, err = verifyBlocks(folder)
	require.ErrorContains(t, err, "damaged")
}
