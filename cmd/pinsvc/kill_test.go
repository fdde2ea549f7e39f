package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
)

// stored is a pin as a client sees it; the zero value is no pin.
type stored struct {
	name, created string
}

// writer adds, renames and removes pins of its own, and knows which were
// acknowledged.
type writer struct {
	id    int
	rng   *rand.Rand
	next  int
	known map[string]stored   // acknowledged
	open  map[string][]stored // not answered: one of these
}

// write sends one random change. It returns false when it was not answered.
func (w *writer) write(c *client) (bool, error) {
	present := slices.Sorted(maps.Keys(w.known))
	id, name, method, path := "", fmt.Sprintf("name %d", w.rng.Int()), http.MethodPost, "/pins"
	switch dice := w.rng.IntN(10); {
	case len(present) == 0 || dice < 6:
		w.next++
		id = testCID(fmt.Sprintf("%d %d", w.id, w.next))
	case dice < 8: // rename
		id = present[w.rng.IntN(len(present))]
	default:
		id = present[w.rng.IntN(len(present))]
		method, path, name = http.MethodDelete, "/pins/"+id, ""
	}
	before := w.known[id]
	after := stored{name, before.created}
	if method == http.MethodDelete {
		after = stored{}
	}
	body, _ := json.Marshal(map[string]string{"cid": id, "name": name})
	status, text, err := c.do(method, path, string(body))
	if err != nil || status >= http.StatusInternalServerError {
		delete(w.known, id)
		w.open[id] = []stored{before, after}
		return false, nil
	}
	if status != http.StatusAccepted {
		return false, fmt.Errorf("%s %s: %d %s", method, path, status, text)
	}
	if method == http.MethodDelete {
		delete(w.known, id)
		w.open[id] = []stored{{}} // must not come back
		return true, nil
	}
	var answer struct{ Created string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return false, err
	}
	w.known[id] = stored{name, answer.Created}
	return true, nil
}

// check compares what is there with what was acknowledged, and takes over what
// became of the changes that were not answered.
func (w *writer) check(t *testing.T, found map[string]stored) {
	t.Helper()
	for id, want := range w.known {
		require.Equal(t, want, found[id], "an acknowledged pin of writer %d: %s", w.id, id)
	}
	for id, may := range w.open {
		got := found[id]
		ok := slices.ContainsFunc(may, func(s stored) bool {
			return s.name == got.name && (s.created == got.created || s.created == "")
		})
		require.True(t, ok, "a change of writer %d that was not answered: %s is %v, not one of %v", w.id, id, got, may)
		if got != (stored{}) {
			w.known[id] = got
		}
	}
	clear(w.open)
}

// checkAll returns how many pins there are.
func checkAll(t *testing.T, all []*writer, found map[string]stored) int {
	t.Helper()
	pins := 0
	for _, w := range all {
		w.check(t, found)
		pins += len(w.known)
	}
	require.Len(t, found, pins, "what was removed stays away")
	return pins
}

func testCID(text string) string {
	hash, err := mh.Sum([]byte(text), mh.SHA2_256, -1)
	if err != nil {
		panic(err) // the hash function is there
	}
	return cid.NewCidV1(cid.Raw, hash).String()
}

// sender is a client of a Pinning Service API.
type sender interface {
	do(method, path, body string) (int, string, error)
}

// allPins walks the list as clients do.
func allPins(t *testing.T, c sender) map[string]stored {
	t.Helper()
	all := map[string]stored{}
	for before := ""; ; {
		query := url.Values{"status": {"queued,pinning,pinned,failed"}, "limit": {"1000"}}
		if before != "" {
			query.Set("before", before)
		}
		status, text, err := c.do(http.MethodGet, "/pins?"+query.Encode(), "")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, text)
		var page struct {
			Count   int
			Results []struct {
				Created string
				Pin     struct{ CID, Name string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(text), &page))
		for _, r := range page.Results {
			require.NotContains(t, all, r.Pin.CID, "listed twice")
			all[r.Pin.CID] = stored{r.Pin.Name, r.Created}
			before = r.Created
		}
		if page.Count == len(page.Results) {
			return all
		}
	}
}

// namesOnDisk returns the names of the pins that the folder has on disk.
func namesOnDisk(t *testing.T, folder string) map[string]string {
	t.Helper()
	pins := map[string]string{}
	for dec := json.NewDecoder(strings.NewReader(succeed(t, "", "-c", folder, "state", "export"))); dec.More(); {
		var pin struct{ CID, Name string }
		require.NoError(t, dec.Decode(&pin))
		pins[pin.CID] = pin.Name
	}
	return pins
}

// TestKill: whatever was acknowledged is there after a SIGKILL, as it was, and
// what was removed stays away. Lists, which come from a view of the pinset, are
// what is on disk after about 10,000 writes and 10 kills.
func TestKill(t *testing.T) {
	t.Run("crdt", func(t *testing.T) { killAgainAndAgain(t, "crdt", 10) })
	t.Run("raft", func(t *testing.T) { killAgainAndAgain(t, "raft", 3) })
}

func killAgainAndAgain(t *testing.T, consensus string, rounds int) {
	const writers = 4
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	folder := newFolder(t, "--consensus", consensus)
	all := make([]*writer, writers)
	for i := range all {
		all[i] = &writer{id: i, rng: rand.New(rand.NewPCG(seed, uint64(i))), known: map[string]stored{}, open: map[string][]stored{}}
	}
	rng := rand.New(rand.NewPCG(seed, writers))
	var acknowledged atomic.Int64
	for round := range rounds {
		d := startDaemon(t, folder)
		api := newClient(t, folder, d)
		checkAll(t, all, allPins(t, api))
		killAt := acknowledged.Load() + 900 + rng.Int64N(200)
		errs := make(chan error, writers)
		var wg sync.WaitGroup
		for _, w := range all {
			wg.Go(func() {
				for {
					ok, err := w.write(api)
					if err != nil {
						errs <- fmt.Errorf("round %d: %w", round, err)
					}
					if !ok {
						return
					}
					if acknowledged.Add(1) == killAt {
						_ = d.cmd.Process.Signal(os.Kill)
					}
				}
			})
		}
		wg.Wait()
		require.Empty(t, errs)
		require.Equal(t, -1, d.wait(t), "killed: %s", d.errs)
	}
	d := startDaemon(t, folder)
	listed := allPins(t, newClient(t, folder, d))
	pins := checkAll(t, all, listed)
	require.Zero(t, d.end(t, os.Interrupt), d.errs)
	onDisk := namesOnDisk(t, folder)
	require.Len(t, onDisk, len(listed))
	for id, pin := range listed {
		require.Equal(t, pin.name, onDisk[id], id)
	}
	t.Logf("%d writes acknowledged, %d pins, none lost", acknowledged.Load(), pins)
}
