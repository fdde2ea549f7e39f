package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	// kuboStartBound is how long a Kubo may take until it answers.
	kuboStartBound = 30 * time.Second
	// kuboStopBound is how long it may take to end before it is killed.
	kuboStopBound = 10 * time.Second
)

// Kubo is a Kubo without a network unless it is online, with a repository of its own.
type Kubo struct {
	env     *Env
	program string
	repo    string
	address string // host and port of its RPC API
	Online  bool   // it connects to others, on loopback
	cmd     *exec.Cmd
	ended   chan struct{} // closed when it has
}

// NewKubo makes a repository. Its API has a port that stays.
func (e *Env) NewKubo(ctx context.Context) (*Kubo, error) {
	program, err := e.kubo(ctx)
	if err != nil {
		return nil, err
	}
	k := &Kubo{env: e, program: program, repo: filepath.Join(e.Dir, "kubo")}
	if k.address, err = FreeAddress(); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "--profile=test"},
		{"config", "Addresses.API", k.Multiaddr()},
		{"config", "Addresses.Gateway", "/ip4/127.0.0.1/tcp/0"},
	} {
		if out, err := k.command(args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ipfs %v: %w: %s", args, err, out)
		}
	}
	e.CleanupWith(func() { k.Stop(os.Kill) })
	return k, nil
}

// FreeAddress returns an address of loopback that nobody listens on now.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Multiaddr returns where its API is, for the peer.
func (k *Kubo) Multiaddr() string { return MultiaddrOf(k.address) }

// MultiaddrOf returns the multiaddress of a host:port.
func MultiaddrOf(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err) // it comes from a listener
	}
	return "/ip4/" + host + "/tcp/" + port
}

func (k *Kubo) command(args ...string) *exec.Cmd {
	cmd := exec.Command(k.program, args...)
	cmd.Env = append(os.Environ(), "IPFS_PATH="+k.repo)
	return cmd
}

// Start starts the daemon and waits until it answers.
func (k *Kubo) Start(ctx context.Context) error {
	log, err := os.OpenFile(k.repo+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	how := "--offline"
	if k.Online {
		how = "--routing=none"
	}
	k.cmd = k.command("daemon", how)
	k.cmd.Stdout, k.cmd.Stderr = log, log
	if err := k.cmd.Start(); err != nil {
		return err
	}
	ended, cmd := make(chan struct{}), k.cmd
	go func() {
		cmd.Wait() // how it ended matters to nobody
		close(ended)
	}()
	k.ended = ended
	return Eventually(ctx, k.env.Bound(kuboStartBound), func(ctx context.Context) error {
		select {
		case <-ended:
			return errors.New("its process has ended, see kubo.log")
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.address+"/api/v0/id", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
}

// Stop ends the daemon by a signal, and kills it when that is not enough.
func (k *Kubo) Stop(signal os.Signal) {
	if k.ended == nil {
		return
	}
	k.cmd.Process.Signal(signal) // it may have ended by itself
	select {
	case <-k.ended:
	case <-time.After(kuboStopBound):
		k.cmd.Process.Kill()
		<-k.ended
	}
	k.ended = nil
}
