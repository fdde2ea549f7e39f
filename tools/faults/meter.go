package main

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

// holding is what a peer holds.
type holding struct {
	goroutines     int
	heap, resident int // bytes; heap is what is alive
}

func (h holding) String() string {
	return fmt.Sprintf("%d goroutines, %d MiB of heap, %d MiB resident", h.goroutines, h.heap/mebibyte, h.resident/mebibyte)
}

// meter reads what a peer holds from its address for metrics.
type meter struct {
	peer *peer
	url  string
}

// read collects the garbage of the peer first.
func (m meter) read(ctx context.Context) (holding, error) {
	if _, err := m.get(ctx, "/debug/pprof/heap?gc=1"); err != nil {
		return holding{}, err
	}
	text, err := m.get(ctx, "/metrics")
	if err != nil {
		return holding{}, err
	}
	var h holding
	for name, into := range map[string]*int{"go_goroutines": &h.goroutines, "go_memstats_heap_alloc_bytes": &h.heap} {
		if *into, err = metric(text, name); err != nil {
			return h, err
		}
	}
	memory, err := process.ReadMemory(m.peer.running.PID())
	h.resident = int(memory.Resident)
	return h, err
}

// calm returns what the peer holds when that does not become less any more.
func (m meter) calm(ctx context.Context) (holding, error) {
	least, err := m.read(ctx)
	for since := time.Now(); err == nil && time.Since(since) < m.peer.env.bound(2*time.Second); {
		sleep(ctx, 200*time.Millisecond)
		var h holding
		if h, err = m.read(ctx); err == nil && h.goroutines < least.goroutines {
			since = time.Now()
			least = h
		}
	}
	return least, err
}

// save keeps profiles of the peer's memory and goroutines in its folder, to see
// what has become more.
func (m meter) save(ctx context.Context, when string) error {
	for name, path := range map[string]string{"heap": "/debug/pprof/heap?gc=1", "goroutines": "/debug/pprof/goroutine?debug=1"} {
		text, err := m.get(ctx, path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(m.peer.folder.Path(), name+" "+when), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (m meter) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+path, nil)
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

// metric returns the value of a metric without labels.
func metric(text, name string) (int, error) {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if value, is := strings.CutPrefix(lines.Text(), name+" "); is {
			var f float64
			_, err := fmt.Sscan(value, &f)
			return int(f), err
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}
