package folder

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// reloadFile tells how the last reload ended, for whoever has asked for it.
const reloadFile = "pinsvc.reload"

// How often, and how long at most, AskReload looks for the answer.
const (
	reloadPoll     = 20 * time.Millisecond
	reloadPatience = 15 * time.Second
)

// outcome is what reloadFile holds.
type outcome struct {
	Began time.Time `json:"began"`
	Error string    `json:"error"` // empty: it worked
}

// WriteReload leaves how a reload that began at a time has ended, nil for well, for
// the AskReload that waits for it.
func WriteReload(folder string, began time.Time, failed error) error {
	o := outcome{Began: began}
	if failed != nil {
		o.Error = failed.Error()
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, reloadFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// AskReload makes the daemon that runs on a folder read its credentials again,
// and returns its process ID when that is done. The error is ErrNoDaemon, or
// why the daemon did not take the new credentials, or that it did not answer:
// one that is starting answers when it is ready.
func AskReload(ctx context.Context, folder string) (pid int, err error) {
	daemon, err := daemonOf(folder)
	if err != nil {
		return 0, err
	}
	asked := time.Now().Round(0) // as the daemon writes it
	if err := daemon.Signal(syscall.SIGHUP); err != nil {
		return 0, fmt.Errorf("asking process %d: %w", daemon.Pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, reloadPatience)
	defer cancel()
	tick := time.NewTicker(reloadPoll)
	defer tick.Stop()
	for {
		var o outcome
		text, err := os.ReadFile(filepath.Join(folder, reloadFile))
		if err == nil && json.Unmarshal(text, &o) == nil && !o.Began.Before(asked) {
			if o.Error != "" {
				return daemon.Pid, fmt.Errorf("the daemon (process %d) keeps the old credentials: %s", daemon.Pid, o.Error)
			}
			return daemon.Pid, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return daemon.Pid, fmt.Errorf("the daemon (process %d) was asked but has not answered; see its log", daemon.Pid)
		}
	}
}
