package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	dshelp "github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	"golang.org/x/time/rate"

	"github.com/ipfs-cluster/pinsvc/embedded/storage"
)

// scrubEvery is the time from the start of a pass over all blocks to the start of
// the next; a pass that takes longer is followed by the next at once.
const scrubEvery = 24 * time.Hour

// scrubKey is where the state is recorded.
var scrubKey = ds.NewKey("/embedded/scrub")

// scrub is the slow check of all blocks. A pass reads the files of the blocks
// folder by folder, and then walks all pins to see that no block is missing. It
// goes on where it was after a restart.
type scrub struct {
	limit   *rate.Limiter // nil: there is no slow check
	dir     string        // of the blocks
	records ds.Batching

	mu    sync.Mutex
	state scrubState
}

// scrubState is how far a pass is.
type scrubState struct {
	Began  time.Time `json:"began"`  // of the last pass
	Ended  time.Time `json:"ended"`  // of the last complete pass
	Folder string    `json:"folder"` // the last whose files were all read
	// Done and Folders count the folders of the pass.
	Done    int `json:"done"`
	Folders int `json:"folders"`
}

// under reports whether a pass has begun and not ended.
func (s scrubState) under() bool { return s.Began.After(s.Ended) }

// openScrub reads the state. There is no slow check when bytes, which it may read
// in a second, is 0.
func openScrub(ctx context.Context, r *storage.Repo, bytes uint64) (*scrub, error) {
	s := &scrub{dir: r.BlocksDir(), records: r.Records}
	if bytes > 0 {
		s.limit = pacer(bytes)
	}
	value, err := r.Records.Get(ctx, scrubKey)
	if errors.Is(err, ds.ErrNotFound) {
		return s, nil
	}
	if err == nil && json.Unmarshal(value, &s.state) != nil {
		s.state = scrubState{} // begins anew
	}
	return s, err
}

// now returns the state.
func (s *scrub) now() scrubState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// note changes the state and records it.
func (k *checker) note(ctx context.Context, change func(*scrubState)) {
	s := k.scrub
	s.mu.Lock()
	change(&s.state)
	state := s.state
	s.mu.Unlock()
	value, err := json.Marshal(state)
	if err == nil && k.room() == nil {
		err = s.records.Put(ctx, scrubKey, value)
	}
	if err != nil {
		logger.Warnf("recording the state of the slow check: %s", err)
	}
}

// scrubAll runs passes until ctx ends. Queued pins go first all the time.
func (k *checker) scrubAll(ctx context.Context) {
	for ctx.Err() == nil {
		k.drain(ctx)
		if k.scrub.limit == nil {
			k.wait(ctx, scrubEvery)
			continue
		}
		if state := k.scrub.now(); !state.under() {
			if left := scrubEvery - k.now().Sub(state.Began); left > 0 && left <= scrubEvery {
				k.wait(ctx, left)
				continue
			}
			k.note(ctx, func(s *scrubState) { *s = scrubState{Began: k.now(), Ended: s.Ended} })
		}
		if err := k.pass(ctx); err != nil && ctx.Err() == nil {
			logger.Warnf("the slow check of all blocks goes on in an hour: %s", err)
			k.waitOut(ctx, recheckAfter)
		}
	}
}

// pass goes on with a pass until it is complete.
func (k *checker) pass(ctx context.Context) error {
	folders, err := shardFolders(k.scrub.dir)
	if err != nil {
		return err
	}
	for i, name := range folders {
		if name <= k.scrub.now().Folder {
			continue
		}
		if err := k.scrubFolder(ctx, filepath.Join(k.scrub.dir, name)); err != nil {
			return err
		}
		k.note(ctx, func(s *scrubState) { s.Folder, s.Done, s.Folders = name, i+1, len(folders) })
	}
	if _, err := k.findGaps(ctx, k.slowly); err != nil {
		return err
	}
	k.note(ctx, func(s *scrubState) { s.Ended = k.now() })
	return nil
}

// shardFolders lists flatfs's folders of blocks, sorted.
func shardFolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// scrubFolder reads all blocks of a folder. The store lists those that are
// damaged.
func (k *checker) scrubFolder(ctx context.Context, folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		c, ok := blockOfFile(e.Name())
		if !ok {
			continue
		}
		size := 0
		if b, err := k.store.Get(ctx, c); err == nil {
			size = len(b.RawData())
		}
		if err := k.slowly(ctx, size); err != nil {
			return err
		}
	}
	return nil
}

// blockOfFile returns the block that flatfs keeps in a file of that name.
func blockOfFile(name string) (cid.Cid, bool) {
	key, ok := strings.CutSuffix(name, ".data")
	if !ok {
		return cid.Undef, false
	}
	hash, err := dshelp.DsKeyToMultihash(ds.RawKey("/" + key))
	if err != nil {
		return cid.Undef, false
	}
	return cid.NewCidV1(cid.Raw, hash), true
}

// slowly counts what the slow check has read and waits. Pins that are queued
// meanwhile are checked at once.
func (k *checker) slowly(ctx context.Context, bytes int) error {
	k.blocks.Add(1)
	k.bytes.Add(uint64(bytes))
	limit := k.scrub.limit
	delay := limit.ReserveN(time.Now(), min(bytes+readCost, limit.Burst())).Delay()
	k.waitOut(ctx, delay)
	return context.Cause(ctx)
}

// waitOut waits that long, and checks the pins that are queued meanwhile.
func (k *checker) waitOut(ctx context.Context, d time.Duration) {
	for end := time.Now().Add(d); ctx.Err() == nil; {
		k.drain(ctx)
		left := time.Until(end)
		if left <= 0 {
			return
		}
		k.wait(ctx, left)
	}
}

// wait waits that long, or for a pin that is queued.
func (k *checker) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.wake:
	case <-ctx.Done():
	}
}
