package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/history"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// metaKey is the one key of meta that pins here have.
const metaKey = "fault"

// anyStatus is the status filter for every pin.
const anyStatus = "queued,pinning,pinned,failed"

// requestTimeout bounds one request.
const requestTimeout = 30 * time.Second

// client asks one API of a peer.
type client struct {
	process.Endpoint
	http *http.Client
}

func newClient(e process.Endpoint) *client {
	return &client{e, &http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// statusError is an answer without success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// statusOf returns the status of an answer without success, 0 when there was no
// answer.
func statusOf(err error) int {
	var answer *statusError
	if errors.As(err, &answer) {
		return answer.status
	}
	return 0
}

// do sends a request with a JSON body, or none, and decodes a successful answer.
func (c *client) do(ctx context.Context, method, path string, body, answer any) error {
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(raw)
	}
	raw, err := c.send(ctx, method, path, "application/json", send)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(raw, answer)
}

// send sends a request and returns the body of a successful answer.
func (c *client) send(ctx context.Context, method, path, kind string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	if c.User != "" {
		req.SetBasicAuth(c.User, c.Password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		return nil, &statusError{res.StatusCode, fmt.Sprintf("%s %s: %s: %.300s", method, path, res.Status, raw)}
	}
	return raw, nil
}

// pinBody is a Pin of the Pinning Service API.
type pinBody struct {
	CID  string            `json:"cid"`
	Name string            `json:"name,omitempty"`
	Meta map[string]string `json:"meta,omitempty"`

	Origins []string `json:"origins,omitempty"`
}

func bodyOf(cid string, p history.Pin) pinBody {
	b := pinBody{CID: cid, Name: p.Name}
	if p.Meta != "" {
		b.Meta = map[string]string{metaKey: p.Meta}
	}
	return b
}

// pinStatus is a PinStatus of the Pinning Service API.
type pinStatus struct {
	RequestID string            `json:"requestid"`
	Status    string            `json:"status"`
	Created   string            `json:"created"`
	Pin       pinBody           `json:"pin"`
	Info      map[string]string `json:"info"`
}

// page is a PinResults of the Pinning Service API.
type page struct {
	Count   int         `json:"count"`
	Results []pinStatus `json:"results"`
}

func (c *client) post(ctx context.Context, b pinBody) (s pinStatus, err error) {
	err = c.do(ctx, http.MethodPost, "/pins", b, &s)
	return s, err
}

func (c *client) replace(ctx context.Context, id string, b pinBody) (s pinStatus, err error) {
	err = c.do(ctx, http.MethodPost, "/pins/"+id, b, &s)
	return s, err
}

func (c *client) get(ctx context.Context, id string) (s pinStatus, err error) {
	err = c.do(ctx, http.MethodGet, "/pins/"+id, nil, &s)
	return s, err
}

func (c *client) remove(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/pins/"+id, nil, nil)
}

func (c *client) list(ctx context.Context, query url.Values) (p page, err error) {
	err = c.do(ctx, http.MethodGet, "/pins?"+query.Encode(), nil, &p)
	return p, err
}

// count returns how many pins have one of the statuses.
func (c *client) count(ctx context.Context, statuses string) (int, error) {
	p, err := c.list(ctx, url.Values{"status": {statuses}, "limit": {"1"}})
	return p.Count, err
}

// walk goes through all pins as clients do, and fails when one is listed twice.
func (c *client) walk(ctx context.Context, fn func(pinStatus)) error {
	query := url.Values{"status": {anyStatus}, "limit": {"1000"}}
	seen := map[string]bool{}
	for {
		p, err := c.list(ctx, query)
		if err != nil {
			return err
		}
		for _, s := range p.Results {
			if seen[s.Pin.CID] {
				return fmt.Errorf("%s is listed twice", s.Pin.CID)
			}
			seen[s.Pin.CID] = true
			fn(s)
			query.Set("before", s.Created)
		}
		if p.Count <= len(p.Results) {
			return nil
		}
	}
}

// all returns the pinset, by CID, and how many pins have each status.
func (c *client) all(ctx context.Context) (map[string]history.Pin, map[string]int, error) {
	found, statuses := map[string]history.Pin{}, map[string]int{}
	err := c.walk(ctx, func(s pinStatus) {
		found[s.Pin.CID] = history.Pin{Name: s.Pin.Name, Meta: s.Pin.Meta[metaKey], Created: s.Created}
		statuses[s.Status]++
	})
	return found, statuses, err
}
