package folder

import (
	"errors"
	"fmt"
	"io"

	fslock "github.com/ipfs/go-fs-lock"
	logging "github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

var logger = logging.Logger("pinsvc")

// lockFile is the file that ipfs-cluster-service locks, so that both programs can
// use one folder in turn.
const lockFile = "cluster.lock"

// ErrLocked is returned when another process uses the folder.
var ErrLocked = errors.New("in use by another process")

// Lock takes the folder for this process until the value is closed. The lock
// is the file that ipfs-cluster-service locks: never both on one datastore.
func Lock(folder string) (io.Closer, error) {
	l, err := fslock.Lock(folder, lockFile)
	var taken fslock.LockedError
	switch {
	case errors.As(err, &taken):
		return nil, fmt.Errorf("folder %s is %w: stop the daemon that runs on it, or choose another folder with --config", folder, ErrLocked)
	case err != nil:
		return nil, fmt.Errorf("locking the folder: %w", settings.ExplainFile(err))
	}
	return l, nil
}
