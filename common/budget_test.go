package common

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSmallRequestsNeedNoRoom(t *testing.T) {
	b := NewBudget(leastBudget)
	full := b.NewLease()
	require.NoError(t, full.Grow(leastBudget))
	small := b.NewLease()
	require.NoError(t, small.Grow(smallRequest), "all of the budget is taken")
	require.True(t, IsMemoryShort(small.Grow(1)))
	full.Release()
	require.NoError(t, small.Grow(1))
}

func TestLeaseGivesBackWhatItTook(t *testing.T) {
	b := NewBudget(leastBudget)
	for range 3 {
		l := b.NewLease()
		require.NoError(t, l.Grow(10<<20))
		require.NoError(t, l.Grow(5<<20))
		l.Shrink(12 << 20)
		require.NoError(t, l.Grow(b.heldSize), "what is larger than all has all")
		l.Release()
		require.True(t, b.held.TryAcquire(b.heldSize), "something was not given back")
		b.held.Release(b.heldSize)
	}
}

func TestWaitEndsWith503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(leastBudget)
		full := b.NewLease()
		require.NoError(t, full.Grow(b.heldSize+smallRequest))
		start := time.Now()
		err := b.NewLease().Wait(t.Context(), 1<<20)
		require.True(t, IsMemoryShort(err))
		require.Equal(t, budgetPatience, time.Since(start))
		require.Equal(t, http.StatusServiceUnavailable, err.(*Failure).Status)
		require.Equal(t, []string{retryAfter}, err.(*Failure).Header["Retry-After"])

		time.AfterFunc(time.Second, full.Release)
		require.NoError(t, b.NewLease().Wait(t.Context(), 1<<20))
	})
}

// Whoever holds something does not wait for more of the same, so that nobody
// waits for somebody who waits.
func TestNobodyWaitsWithALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(leastBudget)
		one, other := b.NewLease(), b.NewLease()
		require.NoError(t, one.Grow(b.heldSize/2))
		require.NoError(t, other.Grow(b.heldSize/2))
		start := time.Now()
		require.True(t, IsMemoryShort(one.Wait(t.Context(), 20<<20)))
		require.True(t, IsMemoryShort(other.Wait(t.Context(), 20<<20)))
		require.Zero(t, time.Since(start))
	})
}

func TestWorkIsBoundedAndApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(leastBudget)
		require.NoError(t, b.NewLease().Grow(leastBudget)) // clients that do not read
		done, err := b.Work(t.Context(), 1<<30)
		require.NoError(t, err)
		_, err = b.Work(t.Context(), 1<<20)
		require.True(t, IsMemoryShort(err))
		within, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = b.Work(within, 1<<20)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = b.Work(t.Context(), smallRequest)
		require.NoError(t, err, "small pins need no room")
		done()
		_, err = b.Work(t.Context(), 1<<20)
		require.NoError(t, err)
	})
}

func TestWithoutABudgetThereIsRoom(t *testing.T) {
	var b *Budget
	b.Saw(1)
	require.Zero(t, b.Largest())
	done, err := b.Work(t.Context(), 1<<40)
	require.NoError(t, err)
	done()
	require.NoError(t, LeaseOf(t.Context()).Wait(t.Context(), 1<<40))
	LeaseOf(t.Context()).Release()
}

func TestMemoryLimit(t *testing.T) {
	const unlimited1 = "9223372036854771712\n"
	for name, test := range map[string]struct {
		files map[string]string
		limit int64
	}{
		"the machine":            {map[string]string{"proc/meminfo": "MemTotal:       24684540 kB\nMemFree: 1 kB\n"}, 24684540 << 10},
		"a container, version 2": {map[string]string{"sys/fs/cgroup/memory.max": "536870912\n", "proc/self/cgroup": "0::/\n"}, 512 << 20},
		"no limit, version 2":    {map[string]string{"sys/fs/cgroup/memory.max": "max\n", "proc/meminfo": "MemTotal: 1024 kB\n"}, 1 << 20},
		"a unit of systemd": {map[string]string{"proc/self/cgroup": "0::/system.slice/pinsvc.service\n",
			"sys/fs/cgroup/system.slice/pinsvc.service/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/memory.max":                "1073741824\n"}, 1 << 30},
		"a container, version 1": {map[string]string{"sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
			"proc/meminfo": "MemTotal: 24684540 kB\n"}, 256 << 20},
		"a group, version 1": {map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:hugetlb,memory:/docker/a\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":          unlimited1,
			"sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": "134217728\n"}, 128 << 20},
		"nonsense": {map[string]string{"sys/fs/cgroup/memory.max": "a lot", "proc/meminfo": "MemTotal:", "proc/self/cgroup": "?",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "4096"}, 4096},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for file, text := range test.files {
				path := filepath.Join(root, file)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			}
			require.Equal(t, test.limit, memoryLimit(root))
		})
	}
	require.Positive(t, memoryLimit(t.TempDir()), "nothing is known")
	require.LessOrEqual(t, NewBudget(0).heldSize+NewBudget(0).workSize, int64(mostDefault))
}

func TestBudgetIsValidated(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxInflightBytes = 1000
	require.True(t, strings.HasPrefix(cfg.Validate()[0].Error(), "max_inflight_bytes"), cfg.Validate())
	cfg.MaxInflightBytes = leastBudget
	require.Empty(t, cfg.Validate())
}
