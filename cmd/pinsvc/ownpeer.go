package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// askPatience bounds one question to the running peer.
const askPatience = 30 * time.Second

// ownPeer asks an API of the peer that runs on a folder, as one of its users.
type ownPeer struct {
	section string // "api.restapi"
	client  *http.Client
	url     string
	token   string
}

// newOwnPeer returns the way to an API of the section that is given, or why
// there is none.
func newOwnPeer(folder, section string, cfg common.Config) (*ownPeer, error) {
	p := &ownPeer{section: section}
	network, address := "", ""
	for _, a := range cfg.HTTPListenMultiaddress {
		n, d, err := manet.DialArgs(a)
		if err != nil || strings.HasSuffix(d, ":0") {
			continue
		}
		network, address = n, d
		break
	}
	if address == "" {
		return nil, fmt.Errorf("%s.http_listen_multiaddress has no address that is known beforehand", section)
	}
	if host, port, err := net.SplitHostPort(address); err == nil && network != "unix" {
		address = net.JoinHostPort(dialable(host), port)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	p.url = "http://peer"
	if cfg.SSLCertFile != "" {
		p.url = "https://peer"
		check, err := onlyCertificate(folder, cfg)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", section, err)
		}
		transport.TLSClientConfig = check
	}
	p.client = &http.Client{Transport: transport, Timeout: askPatience}
	if cfg.BasicAuthCredentials == nil {
		return p, nil
	}
	users := slices.Sorted(maps.Keys(cfg.BasicAuthCredentials))
	if len(users) == 0 {
		return nil, fmt.Errorf("%s.basic_auth_credentials has no user: nobody may enter", section)
	}
	var err error
	p.token, err = auth.IssueToken(users[0], cfg.BasicAuthCredentials[users[0]], time.Minute)
	return p, err
}

// onlyCertificate accepts the configured certificate and no other: it is made
// for another name than the one that is dialled.
func onlyCertificate(folder string, cfg common.Config) (*tls.Config, error) {
	within := func(file string) string {
		if filepath.IsAbs(file) {
			return file
		}
		return filepath.Join(folder, file)
	}
	pair, err := tls.LoadX509KeyPair(within(cfg.SSLCertFile), within(cfg.SSLKeyFile))
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		InsecureSkipVerify: true, // the function below does it
		VerifyPeerCertificate: func(chain [][]byte, _ [][]*x509.Certificate) error {
			if len(chain) == 0 || !bytes.Equal(chain[0], pair.Certificate[0]) {
				return errors.New("the peer does not show the configured certificate")
			}
			return nil
		},
	}, nil
}

// get asks for a path and hands the answer's body to read. The status must be
// one of those that are wanted.
func (p *ownPeer) get(ctx context.Context, path string, read func(io.Reader) error, wanted ...int) error {
	return p.do(ctx, p.client, http.MethodGet, path, read, wanted...)
}

// stream posts to a path whose answer may take hours, and hands it to read as it
// comes.
func (p *ownPeer) stream(ctx context.Context, path string, read func(io.Reader) error) error {
	return p.do(ctx, &http.Client{Transport: p.client.Transport}, http.MethodPost, path, read)
}

func (p *ownPeer) do(ctx context.Context, client *http.Client, method, path string, read func(io.Reader) error, wanted ...int) error {
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, nil)
	if err != nil {
		return err
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w (does the daemon run?)", p.section, errors.Unwrap(err))
	}
	defer res.Body.Close()
	if !slices.Contains(append(wanted, http.StatusOK), res.StatusCode) {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1024))
		return &answerError{p.section, method, path, res.StatusCode, res.Status, strings.TrimSpace(string(body))}
	}
	if res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := read(res.Body); err != nil {
		return err
	}
	if text := res.Trailer.Get("X-Stream-Error"); text != "" {
		return fmt.Errorf("%s: %s %s: %s", p.section, method, path, text)
	}
	return nil
}

// answerError is an answer whose status is not one of those that are wanted.
type answerError struct {
	section, method, path string
	status                int
	statusText, body      string
}

func (e *answerError) Error() string {
	return fmt.Sprintf("%s: %s %s: %s: %s", e.section, e.method, e.path, e.statusText, e.body)
}

// value reads one JSON document.
func value[T any](to *T) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(to) }
}

// lines reads a stream of JSON documents, one after the other.
func lines[T any](each func(T)) func(io.Reader) error {
	return func(r io.Reader) error {
		for d := json.NewDecoder(r); ; {
			var v T
			switch err := d.Decode(&v); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			each(v)
		}
	}
}
