package main

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

// kubo is a Kubo without a network unless it is online, with a repository of its own.
type kubo struct {
	env     *env
	program string
	repo    string
	address string // host and port of its RPC API
	online  bool   // it connects to others, on loopback
	cmd     *exec.Cmd
	ended   chan struct{} // closed when it has
}

// newKubo makes a repository. Its API has a port that stays.
func (e *env) newKubo(ctx context.Context) (*kubo, error) {
	program, err := e.kubo(ctx)
	if err != nil {
		return nil, err
	}
	k := &kubo{env: e, program: program, repo: filepath.Join(e.dir, "kubo")}
	if k.address, err = freeAddress(); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "--profile=test"},
		{"config", "Addresses.API", k.multiaddr()},
		{"config", "Addresses.Gateway", "/ip4/127.0.0.1/tcp/0"},
	} {
		if out, err := k.command(args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ipfs %v: %w: %s", args, err, out)
		}
	}
	e.cleanupWith(func() { k.stop(os.Kill) })
	return k, nil
}

// freeAddress returns an address of loopback that nobody listens on now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// multiaddr returns where its API is, for the peer.
func (k *kubo) multiaddr() string { return multiaddrOf(k.address) }

func multiaddrOf(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err) // it comes from a listener
	}
	return "/ip4/" + host + "/tcp/" + port
}

func (k *kubo) command(args ...string) *exec.Cmd {
	cmd := exec.Command(k.program, args...)
	cmd.Env = append(os.Environ(), "IPFS_PATH="+k.repo)
	return cmd
}

// start starts the daemon and waits until it answers.
func (k *kubo) start(ctx context.Context) error {
	log, err := os.OpenFile(k.repo+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	how := "--offline"
	if k.online {
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
	return eventually(ctx, k.env.bound(kuboStartBound), func(ctx context.Context) error {
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

// stop ends the daemon by a signal, and kills it when that is not enough.
func (k *kubo) stop(signal os.Signal) {
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
