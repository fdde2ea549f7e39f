package rig

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// Holding is what a peer holds.
type Holding struct {
	Goroutines     int
	Heap, Resident int // bytes; heap is what is alive
}

func (h Holding) String() string {
	return fmt.Sprintf("%d goroutines, %d MiB of heap, %d MiB resident", h.Goroutines, h.Heap/(1<<20), h.Resident/(1<<20))
}

// Meter reads what a peer holds from its address for metrics.
type Meter struct {
	Peer *Peer
	URL  string
}

// Read collects the garbage of the peer first.
func (m Meter) Read(ctx context.Context) (Holding, error) {
	if _, err := m.get(ctx, "/debug/pprof/heap?gc=1"); err != nil {
		return Holding{}, err
	}
	text, err := m.get(ctx, "/metrics")
	if err != nil {
		return Holding{}, err
	}
	var h Holding
	for name, into := range map[string]*int{"go_goroutines": &h.Goroutines, "go_memstats_heap_alloc_bytes": &h.Heap} {
		if *into, err = Metric(text, name); err != nil {
			return h, err
		}
	}
	memory, err := process.ReadMemory(m.Peer.Running.PID())
	h.Resident = int(memory.Resident)
	return h, err
}

// Quiesced returns what the peer holds when that does not become less any more.
func (m Meter) Quiesced(ctx context.Context) (Holding, error) {
	least, err := m.Read(ctx)
	for since := time.Now(); err == nil && time.Since(since) < m.Peer.env.Bound(2*time.Second); {
		Sleep(ctx, 200*time.Millisecond)
		var h Holding
		if h, err = m.Read(ctx); err == nil && h.Goroutines < least.Goroutines {
			since = time.Now()
			least = h
		}
	}
	return least, err
}

// Save keeps profiles of the peer's memory and goroutines in its folder, to see
// what has become more.
func (m Meter) Save(ctx context.Context, when string) error {
	for name, path := range map[string]string{"heap": "/debug/pprof/heap?gc=1", "goroutines": "/debug/pprof/goroutine?debug=1"} {
		text, err := m.get(ctx, path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(m.Peer.Folder.Path(), name+" "+when), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (m Meter) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+path, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return string(raw), err
}

// Metric returns the value of a metric without labels.
func Metric(text, name string) (int, error) {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if value, is := strings.CutPrefix(lines.Text(), name+" "); is {
			var f float64
			_, err := fmt.Sscan(value, &f)
			return int(f), err
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}
