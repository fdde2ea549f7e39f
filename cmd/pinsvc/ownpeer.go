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

// requestTimeout bounds one request to the running peer. The library waits up
// to 15 s for a peer of the cluster that does not answer; this is longer, so
// that the result or the error of the peer arrives.
const requestTimeout = 30 * time.Second

// ownPeer is a client of one API of the peer that runs on a folder. It
// authenticates as one of the users in the configuration, with a token that is
// valid for a minute: the commands need no credentials but the right to read
// the folder.
type ownPeer struct {
	section string // "api.restapi"
	client  *http.Client
	url     string
	token   string
}

// newOwnPeer returns a client for the API of a section. It returns an error
// when the address is only known to the daemon (port 0), or when the section
// does not let anybody in.
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
	p.client = &http.Client{Transport: transport, Timeout: requestTimeout}
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

// onlyCertificate returns a TLS configuration that accepts the configured
// certificate and no other. The usual verification cannot be used: the
// certificate is for the public name of the peer, and this client dials a local
// address.
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

// get sends a GET request and passes the body of the response to read. The
// status must be 200 or one of wanted; after a 204, read is not called.
func (p *ownPeer) get(ctx context.Context, path string, read func(io.Reader) error, wanted ...int) error {
	return p.do(ctx, p.client, request{http.MethodGet, path, append(wanted, http.StatusOK)}, read)
}

// stream sends a POST request whose response may take hours, and passes the
// body to read while it arrives. It has no timeout; ctx ends it.
func (p *ownPeer) stream(ctx context.Context, path string, read func(io.Reader) error) error {
	unbounded := &http.Client{Transport: p.client.Transport}
	return p.do(ctx, unbounded, request{http.MethodPost, path, []int{http.StatusOK}}, read)
}

// request is a request without a body.
type request struct {
	method, path string
	wanted       []int // the statuses that the caller handles
}

// do sends a request and passes the body of the response to read. An error that
// the peer meets in the middle of a stream is in a trailer, because the status has
// been sent by then.
func (p *ownPeer) do(ctx context.Context, client *http.Client, q request, read func(io.Reader) error) error {
	r, err := http.NewRequestWithContext(ctx, q.method, p.url+q.path, nil)
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
	if !slices.Contains(q.wanted, res.StatusCode) {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1024))
		return &answerError{p.section, q.method, q.path, res.StatusCode, res.Status, strings.TrimSpace(string(body))}
	}
	if res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := read(res.Body); err != nil {
		return err
	}
	if text := res.Trailer.Get("X-Stream-Error"); text != "" {
		return fmt.Errorf("%s: %s %s: %s", p.section, q.method, q.path, text)
	}
	return nil
}

// answerError is a response with another status than those that the caller can
// handle.
type answerError struct {
	section, method, path string
	status                int
	statusText, body      string
}

func (e *answerError) Error() string {
	return fmt.Sprintf("%s: %s %s: %s: %s", e.section, e.method, e.path, e.statusText, e.body)
}

// value returns a reader of a body that is one JSON document.
func value[T any](to *T) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(to) }
}

// lines returns a reader of a body that is a stream of JSON documents. It calls
// each as they arrive.
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
