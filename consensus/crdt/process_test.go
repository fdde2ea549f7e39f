//go:build unix

package crdt

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	pebbleds "github.com/ipfs/go-ds-pebble"
	"github.com/stretchr/testify/require"
)

// The process that TestKilledProcess starts finds its folder and the number of
// writes here.
const (
	killFolder = "PINSVC_TEST_KILL_FOLDER"
	killWrites = "PINSVC_TEST_KILL_WRITES"
	answered   = "answered"
)

// TestKilledProcess: a process with a peer on pebble is killed (SIGKILL) after
// each single write of a commit.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv(killFolder); folder != "" {
		killedProcess(t, folder)
		return
	}
	commit := kills["all in one"].write
	base := filepath.Join(t.TempDir(), "base")
	var old []string
	onPebble(t, base, func(r *rig) {
		for _, w := range before {
			require.NoError(t, w.to(t, r))
		}
		old = r.pinset()
	})
	happened := map[bool]int{}
	for n, done := 0, false; !done; n++ {
		require.Less(t, n, 20)
		folder := filepath.Join(t.TempDir(), fmt.Sprint(n))
		require.NoError(t, os.CopyFS(folder, os.DirFS(base)))
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$", "-test.v")
		cmd.Env = append(os.Environ(), killFolder+"="+folder, killWrites+"="+strconv.Itoa(n))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", out)
		require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%s", out)
		done = strings.Contains(string(out), answered)
		onPebble(t, folder, func(again *rig) {
			onPebble(t, filepath.Join(t.TempDir(), "other"), func(other *rig) {
				other.connect(again)
				pins := agree(t, again, other)
				happened[!slices.Equal(old, pins)]++
				if !slices.Equal(old, pins) {
					require.Equal(t, commit.on(old), pins, "after %d writes", n)
				} else {
					require.False(t, done, "a commit that was answered is lost")
				}
			})
		})
	}
	require.NotZero(t, happened[true])
	require.NotZero(t, happened[false])
}

// killedProcess is the other process. It kills itself.
func killedProcess(t *testing.T, folder string) {
	n, err := strconv.Atoi(os.Getenv(killWrites))
	require.NoError(t, err)
	store, err := pebbleds.NewDatastore(folder)
	require.NoError(t, err)
	end := func() { syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
	c := newCut(store)
	c.kill = end
	r := newRig(t, rigOptions{store: c, walked: true})
	c.after(n)
	require.NoError(t, kills["all in one"].write.to(t, r))
	require.NoError(t, store.Sync(t.Context(), testNamespace))
	fmt.Println(answered)
	end()
}

// onPebble runs f with a peer that keeps its pinset in a folder.
func onPebble(t *testing.T, folder string, f func(*rig)) {
	t.Helper()
	store, err := pebbleds.NewDatastore(folder)
	require.NoError(t, err)
	r := newRig(t, rigOptions{store: store, every: 50 * time.Millisecond, walked: true})
	f(r)
	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, store.Close())
}
