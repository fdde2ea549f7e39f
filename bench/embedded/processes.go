package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// child is this program in one of its roles.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startProgram starts a build of this program in a role.
func startProgram(ctx context.Context, program, role, dir string) (*child, error) {
	cmd := exec.CommandContext(ctx, program, "-role", role, "-dir", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &child{cmd: cmd, in: in, out: bufio.NewReader(out)}, cmd.Start()
}

func (c *child) close() error {
	return errors.Join(c.in.Close(), c.cmd.Wait())
}

type sourceProcess struct {
	*child
	offer offer
}

func startSource(ctx context.Context, program, base string) (*sourceProcess, error) {
	c, err := startProgram(ctx, program, "source", filepath.Join(base, "source"))
	if err != nil {
		return nil, err
	}
	s := &sourceProcess{child: c}
	return s, readJSON(c.out, &s.offer)
}

type pinnerProcess struct{ *child }

func startPinner(ctx context.Context, program, dir string) (*pinnerProcess, error) {
	c, err := startProgram(ctx, program, "pinner", dir)
	if err != nil {
		return nil, err
	}
	var ready string
	return &pinnerProcess{child: c}, readJSON(c.out, &ready)
}

func (p *pinnerProcess) pin(_ context.Context, cid string, origins []string) (time.Duration, error) {
	if err := json.NewEncoder(p.in).Encode(order{Cid: cid, Origins: origins}); err != nil {
		return 0, err
	}
	var d done
	if err := readJSON(p.out, &d); err != nil {
		return 0, err
	}
	if d.Error != "" {
		return 0, errors.New(d.Error)
	}
	return d.Took, nil
}

// kuboProcess is a Kubo daemon on loopback that knows nobody.
type kuboProcess struct {
	cmd *exec.Cmd
	api string
}

func startKubo(ctx context.Context, program, dir string) (*kuboProcess, error) {
	ipfs := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = append(os.Environ(), "IPFS_PATH="+dir, "IPFS_TELEMETRY=off")
		return cmd
	}
	// The profile has loopback addresses with free ports, no bootstrap peers.
	for _, args := range [][]string{
		{"init", "--profile=test", "--empty-repo"},
		{"config", "Routing.Type", "none"},
	} {
		if out, err := ipfs(args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ipfs %s: %w: %s", args[0], err, out)
		}
	}
	k := &kuboProcess{cmd: ipfs("daemon")}
	if err := k.cmd.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		if k.api = apiURL(dir); k.api != "" && k.post(ctx, "version", "") == nil {
			return k, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, errors.Join(errors.New("the Kubo daemon does not answer"), k.close())
}

// apiURL is where the daemon of that folder listens, or nothing yet.
func apiURL(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "api"))
	if err != nil {
		return ""
	}
	addr, err := ma.NewMultiaddr(strings.TrimSpace(string(text)))
	if err != nil {
		return ""
	}
	_, hostport, err := manet.DialArgs(addr)
	if err != nil {
		return ""
	}
	return "http://" + hostport + "/api/v0/"
}

func (k *kuboProcess) post(ctx context.Context, command, arg string) error {
	url := k.api + command + "?arg=" + url.QueryEscape(arg)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", command, res.Status, body)
	}
	return err
}

func (k *kuboProcess) pin(ctx context.Context, cid string, origins []string) (time.Duration, error) {
	start := time.Now()
	if err := k.post(ctx, "swarm/connect", origins[0]); err != nil {
		return 0, err
	}
	if err := k.post(ctx, "pin/add", cid); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

func (k *kuboProcess) close() error {
	_ = k.cmd.Process.Signal(os.Interrupt)
	return k.cmd.Wait()
}
