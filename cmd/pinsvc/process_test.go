package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/peer"
)

// patient bounds every wait of a test for a process.
const patient = 3 * time.Minute

// built is where the program is built; it goes with the test process.
var built string

// program builds the real program, once: without the race detector, which the
// library's database for Raft does not pass.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "pinsvc")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	peer.Prepare()
	var err error
	if built, err = os.MkdirTemp("", "pinsvc-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// daemon is a running process of the program.
type daemon struct {
	cmd   *exec.Cmd
	errs  *output
	ready string // its line of readiness
	ended chan error
}

// startDaemon starts one and waits for its line of readiness.
func startDaemon(t *testing.T, folder string, flags ...string) *daemon {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	d := &daemon{cmd: exec.Command(path, append([]string{"-c", folder, "daemon"}, flags...)...), errs: &output{}, ended: make(chan error, 1)}
	d.cmd.Stderr = d.errs
	stdout, err := d.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, d.cmd.Start())
	lines := make(chan string, 10)
	go func() {
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			lines <- scanner.Text()
		}
		close(lines)
		d.ended <- d.cmd.Wait()
	}()
	t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	deadline := time.After(patient)
	for {
		select {
		case line, open := <-lines:
			require.True(t, open, "the daemon ended: %s", d.errs)
			if strings.HasPrefix(line, "Ready: ") {
				d.ready = line
				go func() {
					for range lines {
					}
				}()
				return d
			}
		case <-deadline:
			t.Fatalf("the daemon is not ready: %s", d.errs)
		}
	}
}

// url returns where a section of the configuration is served.
func (d *daemon) url(t *testing.T, section string) string {
	t.Helper()
	found := regexp.MustCompile(section + ` ([^ ,]+)`).FindStringSubmatch(d.ready)
	require.NotNil(t, found, "no %s in %s", section, d.ready)
	return found[1]
}

// end sends a signal and returns the exit code, or -1 for a process that was
// killed.
func (d *daemon) end(t *testing.T, signal os.Signal) int {
	t.Helper()
	require.NoError(t, d.cmd.Process.Signal(signal))
	return d.wait(t)
}

func (d *daemon) wait(t *testing.T) int {
	t.Helper()
	select {
	case err := <-d.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			require.NoError(t, err)
		}
		return d.cmd.ProcessState.ExitCode()
	case <-time.After(patient):
		t.Fatalf("the daemon does not end: %s", d.errs)
		return 0
	}
}

// client talks to the Pinning Service of a daemon.
type client struct {
	http  http.Client
	url   string
	token string
}

func newClient(t *testing.T, folder string, d *daemon) *client {
	t.Helper()
	return &client{url: d.url(t, "api.pinsvcapi"), token: strings.TrimSpace(succeed(t, "", "-c", folder, "token"))}
}

// do sends a request and returns the answer's status and body.
func (c *client) do(method, path, body string) (int, string, error) {
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

func TestProcess(t *testing.T) {
	const pin = "/pins/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
	for _, c := range []struct{ consensus, datastore string }{
		{"crdt", "pebble"}, {"crdt", "badger3"}, {"crdt", "leveldb"}, {"raft", "pebble"},
	} {
		t.Run(c.consensus+" "+c.datastore, func(t *testing.T) {
			folder := newFolder(t, "--consensus", c.consensus, "--datastore", c.datastore)
			for i, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
				d := startDaemon(t, folder)
				api := newClient(t, folder, d)
				if i == 0 {
					status, body, err := api.do(http.MethodPost, "/pins", `{"cid":"`+strings.TrimPrefix(pin, "/pins/")+`","name":"n"}`)
					require.NoError(t, err)
					require.Equal(t, http.StatusAccepted, status, body)
				}
				status, body, err := api.do(http.MethodGet, pin, "")
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, status, body)
				require.Zero(t, d.end(t, signal), d.errs)
				require.NotContains(t, d.errs.String(), "goroutine ")
				require.NotContains(t, d.errs.String(), api.token)
			}
			require.Contains(t, succeed(t, "", "-c", folder, "state", "export"), `"name":"n"`)
		})
	}
}

// TestProcessEndsInStarting: a signal while the peer starts.
func TestProcessEndsInStarting(t *testing.T) {
	path, err := program()
	require.NoError(t, err)
	folder := newFolder(t)
	// From before the peer reads its folder until it is ready, and after.
	for _, delay := range []time.Duration{20, 50, 100, 150, 200, 300, 500} {
		var errs output
		cmd := exec.Command(path, "-c", folder, "daemon")
		cmd.Stderr = &errs
		require.NoError(t, cmd.Start())
		timer := time.AfterFunc(delay*time.Millisecond, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
		killer := time.AfterFunc(patient, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		killer.Stop()
		if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && state.Signaled() && state.Signal() == syscall.SIGTERM {
			continue // the program had not begun to listen for signals
		}
		require.NoError(t, err, "after %dms: %s", delay, &errs)
		require.NotContains(t, errs.String(), "goroutine ")
	}
}

// TestProcessForced: a request that does not end holds up the stop, and the
// third signal does not wait for it.
func TestProcessForced(t *testing.T) {
	folder := newFolder(t)
	d := startDaemon(t, folder)
	api := newClient(t, folder, d)
	body, feed := io.Pipe()
	defer feed.Close()
	request, err := http.NewRequest(http.MethodPost, api.url+"/pins", body)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+api.token)
	go func() {
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
		}
	}()
	_, err = feed.Write([]byte(`{"cid":`)) // returns when it is being sent
	require.NoError(t, err)
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool {
		_, _, err := api.do(http.MethodGet, "/health", "")
		return err != nil // nobody listens any more
	}, patient, 10*time.Millisecond)
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool { return strings.Contains(d.errs.String(), "Still stopping") }, patient, 10*time.Millisecond)
	require.Equal(t, 1, d.end(t, syscall.SIGTERM))
	require.Contains(t, d.errs.String(), "by force")

	d = startDaemon(t, folder)
	require.Zero(t, d.end(t, syscall.SIGTERM), "the folder opens again")
}

// TestProcessLog: what a new user reads is short, and what was asked for is
// there.
func TestProcessLog(t *testing.T) {
	folder := newFolder(t)
	d := startDaemon(t, folder)
	require.Zero(t, d.end(t, syscall.SIGTERM))
	require.LessOrEqual(t, strings.Count(d.errs.String(), "\n"), 5, d.errs) // there is no IPFS node

	d = startDaemon(t, folder, "--loglevel", "info")
	require.Zero(t, d.end(t, syscall.SIGTERM))
	require.Contains(t, d.errs.String(), "IPFS Cluster is READY")
}
