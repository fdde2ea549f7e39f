package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// pidFile has the number of the process that runs the peer, beside the lock,
// for `pinsvc reload` and for `kill -HUP`.
const pidFile = "pinsvc.pid"

// ErrNoDaemon is returned when nobody runs the peer of a folder.
var ErrNoDaemon = errors.New("no daemon runs on folder")

// WritePID leaves our number in a folder that we have locked.
func WritePID(folder string) error {
	text := strconv.Itoa(os.Getpid()) + "\n"
	if err := os.WriteFile(filepath.Join(folder, pidFile), []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the number of this process: %w", err)
	}
	return nil
}

// RemovePID is called while the folder is still locked.
func RemovePID(folder string) error {
	var errs []error
	for _, name := range []string{pidFile, reloadFile} {
		if err := os.Remove(filepath.Join(folder, name)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// daemonOf returns the process that runs the peer of a folder. A file that a
// killed process left behind leads nowhere, or to somebody else's process, to
// whom a signal may be the end: so it counts only while the process that it
// names holds the lock.
func daemonOf(folder string) (*os.Process, error) {
	text, err := os.ReadFile(filepath.Join(folder, pidFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w %s", ErrNoDaemon, folder)
	}
	if err != nil {
		return nil, settings.ExplainFile(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s has no number of a process", filepath.Join(folder, pidFile))
	}
	holder, err := lockHolder(filepath.Join(folder, lockFile), pid)
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking who has locked the folder: %w", err)
	case holder == 0:
		return nil, fmt.Errorf("%w %s", ErrNoDaemon, folder)
	case holder != pid:
		return nil, fmt.Errorf("%w %s that could be found: it is locked, but not by process %d, which %s names (another program, or a container?)",
			ErrNoDaemon, folder, pid, pidFile)
	}
	return os.FindProcess(pid)
}
