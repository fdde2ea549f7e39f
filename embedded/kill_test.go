package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"
)

// childDir names the folder in which this program, run again by TestKill, has a
// node; childOrigins where that gets its content.
const (
	childDir     = "EMBEDDED_TEST_CHILD_DIR"
	childOrigins = "EMBEDDED_TEST_CHILD_ORIGINS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir, strings.Split(os.Getenv(childOrigins), ",")); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// killDAGs overlap and are long enough to be killed in the middle of.
func killDAGs() []dag {
	shared := wide("killed together", 40, 2000, 8)
	dags := make([]dag, 4)
	for i := range dags {
		own := wide(fmt.Sprintf("killed %d", i), 40, 2000, 8)
		top := pbNode(cid.V0Builder{}, []byte{byte(i)}, own[0], shared[0])
		dags[i] = append(dag{top}, append(own, shared...)...)
	}
	return dags
}

// child pins and unpins without end while it collects garbage, and says what it
// does before unpinning and after pinning.
func child(dir string, from []string) error {
	n, err := New(testConfig(), Options{BaseDir: dir})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := n.Start(ctx); err != nil {
		return err
	}
	var addrs []api.Multiaddr
	for _, text := range from {
		a, err := api.NewMultiaddr(text)
		if err != nil {
			return err
		}
		addrs = append(addrs, a)
	}
	failed := make(chan error)
	go func() {
		for {
			if _, err := n.RepoGC(ctx); err != nil {
				failed <- err
			}
			fmt.Println("collected")
		}
	}()
	go func() { failed <- childPins(ctx, n, addrs) }()
	return <-failed
}

func childPins(ctx context.Context, n *Node, from []api.Multiaddr) error {
	for i := 0; ; i++ {
		for j, d := range killDAGs() {
			if (i+j)%3 == 0 {
				fmt.Println("unpin", d.root())
				if err := n.Unpin(ctx, api.NewCid(d.root())); err != nil {
					return err
				}
				continue
			}
			if err := n.Pin(ctx, pinOf(d.root(), from)); err != nil {
				return err
			}
			fmt.Println("pinned", d.root())
		}
	}
}

// A process that is killed while it pins and collects garbage loses no pin that
// it acknowledged, and leaves nothing half.
func TestKill(t *testing.T) {
	t.Parallel()
	const kills = 6
	source := startNode(t)
	dags := killDAGs()
	for _, d := range dags {
		load(t, source, d...)
	}
	var from []string
	for _, a := range origins(t, source) {
		from = append(from, a.String())
	}
	dir := t.TempDir()
	acknowledged := make(map[string]bool)
	for i := range kills {
		runAndKill(t, dir, from, 3+5*i, acknowledged)
		requireConsistent(t, dir, dags, acknowledged)
	}
}

// runAndKill runs a child until it has said so many things.
func runAndKill(t *testing.T, dir string, from []string, lines int, acknowledged map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childOrigins+"="+strings.Join(from, ","))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := bufio.NewScanner(out)
	for i := 0; said.Scan(); i++ {
		what, c, _ := strings.Cut(said.Text(), " ")
		require.NotEqual(t, "error", what, said.Text())
		switch what {
		case "pinned":
			acknowledged[c] = true
		case "unpin":
			delete(acknowledged, c)
		}
		if i == lines { // what it says until it is dead counts too
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait())
}

func requireConsistent(t *testing.T, dir string, dags []dag, acknowledged map[string]bool) {
	t.Helper()
	n, err := New(testConfig(), Options{BaseDir: dir})
	require.NoError(t, err)
	require.NoError(t, n.Start(t.Context()))
	defer func() { require.NoError(t, n.Shutdown(context.Background())) }()
	pinned := listed(t, n, "all")
	for _, d := range dags {
		if acknowledged[d.root().String()] {
			require.Contains(t, pinned, d.root(), "acknowledged")
		}
		if _, ok := pinned[d.root()]; ok {
			requireHas(t, n, d...)
		}
	}
	requireSound(t, n)
	_, err = n.RepoGC(t.Context())
	require.NoError(t, err)
}

// requireSound checks the content of all blocks.
func requireSound(t *testing.T, n *Node) {
	t.Helper()
	keys, err := n.store.AllKeysChan(t.Context())
	require.NoError(t, err)
	for c := range keys {
		b, err := n.store.Get(t.Context(), c)
		require.NoError(t, err)
		sum, err := c.Prefix().Sum(b.RawData())
		require.NoError(t, err)
		require.Equal(t, c, sum)
	}
}
