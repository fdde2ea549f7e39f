package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// startPatience is how long a daemon may take until it answers; a Raft or
	// a large CRDT takes its time.
	startPatience = 3 * time.Minute
	// stopPatience is how long it may take to end before it is killed.
	stopPatience = time.Minute
	// pollInterval is how often a starting daemon is asked.
	pollInterval = 10 * time.Millisecond
)

// readyPath asks for one pin, which no peer has: it costs nothing anywhere, and
// unlike GET /health it does not succeed before the cluster is ready.
const readyPath = "/pins?cid=bafkqaaa"

// Peer is a running daemon.
type Peer struct {
	folder *Folder
	cmd    *exec.Cmd
	stop   context.CancelFunc
	done   chan struct{} // closed when the process has ended

	// Started is when the process was started.
	Started time.Time
}

// Start runs the daemon and returns when its Pinning Service API answers
// readyPath with success. bootstrap is the address of a peer to join, or "".
func (f *Folder) Start(ctx context.Context, bootstrap string) (*Peer, error) {
	log, err := os.OpenFile(f.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{"daemon"}
	if bootstrap != "" {
		args = append(args, "--bootstrap", bootstrap)
	}
	ctx, stop := context.WithCancel(ctx)
	p := &Peer{folder: f, cmd: f.command(ctx, args...), stop: stop, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.Started = time.Now()
	if err := p.cmd.Start(); err != nil {
		stop()
		return nil, err
	}
	go func() {
		p.cmd.Wait() // how it ended matters to nobody
		close(p.done)
	}()
	if err := p.waitReady(ctx); err != nil {
		p.Stop()
		out, _ := os.ReadFile(f.Log())
		return nil, fmt.Errorf("%s daemon: %w: %s", f.program.Name, err, tail(out))
	}
	return p, nil
}

// Log returns the file with all that the folder's daemons have printed.
func (f *Folder) Log() string {
	return filepath.Join(f.path, "daemon.log")
}

// waitReady polls until the daemon answers, has ended, or is too late.
func (p *Peer) waitReady(ctx context.Context) error {
	endpoint, err := p.folder.Endpoint("pinsvcapi")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, errors.New("it does not answer"))
	defer cancel()
	for {
		if ready(ctx, endpoint) {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("it ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pollInterval):
		}
	}
}

func ready(ctx context.Context, e Endpoint) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+readyPath, nil)
	if err != nil {
		return false
	}
	if e.User != "" {
		req.SetBasicAuth(e.User, e.Password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode/100 == 2
}

// Stop asks the daemon to end and returns when it has. One that does not end
// within a minute is killed. It may be called more than once.
func (p *Peer) Stop() {
	p.stop()
	<-p.done
}

// Kill ends the daemon at once, as a loss of power would, and returns when it
// has ended.
func (p *Peer) Kill() {
	p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended by itself
	<-p.done
	p.stop()
}

// Signal sends a signal to the daemon.
func (p *Peer) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Ended is closed when the daemon has ended.
func (p *Peer) Ended() <-chan struct{} { return p.done }

// ExitCode returns how the daemon has ended, -1 before and when it was killed.
func (p *Peer) ExitCode() int {
	return p.cmd.ProcessState.ExitCode()
}

// PID returns the daemon's process ID.
func (p *Peer) PID() int {
	return p.cmd.Process.Pid
}
