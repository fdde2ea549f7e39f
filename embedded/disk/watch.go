package disk

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	logging "github.com/ipfs/go-log/v2"
)

var logger = logging.Logger("pinsvc")

const (
	// Reserve is how much is left on a disk when no write is accepted any more,
	// in bytes: for what is under way, and for the database's own work.
	Reserve = 16 << 20
	// margin is how much more there must be until writes are accepted again.
	margin = 4 << 20
	// remembered is how long what was seen of the disk counts.
	remembered = 100 * time.Millisecond
)

// FullError says that a disk has too little space for a write.
type FullError struct {
	Folder string // what is on that disk
	Left   uint64 // bytes
}

// Error names the folder by its last part only: clients see it.
func (e *FullError) Error() string {
	return fmt.Sprintf("%s are left for the folder %q, and %s are needed: free some space",
		humanize.IBytes(e.Left), filepath.Base(e.Folder), humanize.IBytes(Reserve))
}

// Watch knows how much space is left for a folder, and lets writes wait for it.
// All methods are safe for concurrent use.
type Watch struct {
	folder string
	free   func() uint64

	mu      sync.Mutex
	seen    time.Time // when the disk was looked at
	left    uint64    // what it had then
	full    bool
	waiting bool // something waits for space

	short chan struct{} // closed when something has waited
	waits sync.Once
}

// NewWatch watches the disk that a folder is on. The folder need not be there
// yet.
func NewWatch(folder string) *Watch {
	return NewWatchOf(folder, func() uint64 { return Free(folder) })
}

// NewWatchOf is NewWatch with another way to find out how much is left.
func NewWatchOf(folder string, free func() uint64) *Watch {
	return &Watch{folder: folder, free: free, short: make(chan struct{})}
}

// Folder returns what is watched.
func (w *Watch) Folder() string { return w.folder }

// Room is nil when there is space for a write, else a *FullError. It costs
// next to nothing.
func (w *Watch) Room() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.seen) >= remembered {
		w.seen, w.left = now, w.free()
		w.note()
	}
	if !w.full && !w.waiting {
		return nil
	}
	return &FullError{w.folder, w.left}
}

// note notices when the disk has become full, or is not any more.
func (w *Watch) note() {
	switch {
	case !w.full && w.left < Reserve:
		w.full = true
		logger.Errorf("the disk is full: %s are left for %s. Writes are refused until there are %s. Free some space, the peer goes on by itself",
			humanize.IBytes(w.left), w.folder, humanize.IBytes(Reserve+margin))
	case w.full && w.left >= Reserve+margin:
		w.full = false
		logger.Infof("the disk has space again: %s for %s", humanize.IBytes(w.left), w.folder)
	}
}
