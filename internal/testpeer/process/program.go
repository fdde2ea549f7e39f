package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Program is a binary with the command line of ipfs-cluster-service.
type Program struct {
	Name string // for people
	Path string
}

// Options say how a folder differs from what `init` makes of it.
type Options struct {
	IPFS        string        // multiaddress of the IPFS daemon's RPC API
	Secret      string        // of the cluster to be in; empty: one of its own
	BatchSize   int           // crdt.batching.max_batch_size; with BatchAge 0: as init wrote it
	BatchAge    time.Duration // crdt.batching.max_batch_age
	Rebroadcast time.Duration // crdt.rebroadcast_interval; 0: as init wrote it
	PinTimeout  time.Duration // how long a pin may make no progress; 0: as init wrote it
	InitFlags   []string      // more flags of init
	Host        string        // IPv4 address that everything listens on; empty: 127.0.0.1
	Set         []Setting     // values of service.json
}

// Setting is one value of service.json.
type Setting struct {
	Value any
	Path  []string // keys, outermost first
}

// Init makes a peer's folder of the given path, which must not exist.
func (p Program) Init(ctx context.Context, path string, o Options) (*Folder, error) {
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, err
	}
	f := &Folder{program: p, path: path}
	if err := f.run(ctx, append([]string{"init", "--randomports"}, o.InitFlags...)...); err != nil {
		return nil, err
	}
	s, err := readSettings(filepath.Join(path, "service.json"))
	if err != nil {
		return nil, err
	}
	s.apply(o)
	f.settings = s
	return f, s.write()
}

// command prepares a run of the program on the folder. When ctx ends it is
// asked to stop, and killed if it does not.
func (f *Folder) command(ctx context.Context, args ...string) *exec.Cmd {
	line := append(append(slices.Clone(f.before), f.program.Path), args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	// Variables of the program would override what the folder says.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CLUSTER_") })
	cmd.Env = append(cmd.Env, "IPFS_CLUSTER_PATH="+f.path)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopPatience
	return cmd
}

// Command prepares a run of a command on the folder, for a caller that starts and
// ends it. When ctx ends it gets SIGINT.
func (f *Folder) Command(ctx context.Context, args ...string) *exec.Cmd {
	return f.command(ctx, args...)
}

// run runs a command of the program to its end.
func (f *Folder) run(ctx context.Context, args ...string) error {
	cmd := f.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w: %s", f.program.Name, args, err, tail(out))
	}
	return nil
}

// Output runs a command of the program and returns what it prints.
func (f *Folder) Output(ctx context.Context, args ...string) (string, error) {
	cmd := f.command(ctx, args...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, tail(exit.Stderr))
		}
		return "", fmt.Errorf("%s %v: %w", f.program.Name, args, err)
	}
	return string(out), nil
}

// tail returns the end of a program's output, for error messages.
func tail(out []byte) []byte {
	const most = 2000
	return bytes.TrimSpace(out[max(0, len(out)-most):])
}
