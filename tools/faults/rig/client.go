package rig

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

// MetaKey is the one key of meta that pins here have.
const MetaKey = "fault"

// AnyStatus is the status filter for every pin.
const AnyStatus = "queued,pinning,pinned,failed"

// RequestTimeout bounds one request.
const RequestTimeout = 30 * time.Second

// Client asks one API of a peer.
type Client struct {
	process.Endpoint
	HTTP *http.Client
}

// NewClient returns a client that keeps its connections.
func NewClient(e process.Endpoint) *Client {
	return &Client{e, &http.Client{Timeout: RequestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// statusError is an answer without success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// StatusOf returns the status of an answer without success, 0 when there was no
// answer.
func StatusOf(err error) int {
	var answer *statusError
	if errors.As(err, &answer) {
		return answer.status
	}
	return 0
}

// Do sends a request with a JSON body, or none, and decodes a successful answer.
func (c *Client) Do(ctx context.Context, method, path string, body, answer any) error {
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(raw)
	}
	raw, err := c.Send(ctx, method, path, "application/json", send)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(raw, answer)
}

// Send sends a request and returns the body of a successful answer.
func (c *Client) Send(ctx context.Context, method, path, kind string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	if c.User != "" {
		req.SetBasicAuth(c.User, c.Password)
	}
	res, err := c.HTTP.Do(req)
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

// PinBody is a Pin of the Pinning Service API.
type PinBody struct {
	CID  string            `json:"cid"`
	Name string            `json:"name,omitempty"`
	Meta map[string]string `json:"meta,omitempty"`

	Origins []string `json:"origins,omitempty"`
}

// BodyOf returns the body of a request for a pin.
func BodyOf(cid string, p history.Pin) PinBody {
	b := PinBody{CID: cid, Name: p.Name}
	if p.Meta != "" {
		b.Meta = map[string]string{MetaKey: p.Meta}
	}
	return b
}

// PinStatus is a PinStatus of the Pinning Service API.
type PinStatus struct {
	RequestID string            `json:"requestid"`
	Status    string            `json:"status"`
	Created   string            `json:"created"`
	Pin       PinBody           `json:"pin"`
	Info      map[string]string `json:"info"`
}

// page is a PinResults of the Pinning Service API.
type page struct {
	Count   int         `json:"count"`
	Results []PinStatus `json:"results"`
}

// Post adds a pin.
func (c *Client) Post(ctx context.Context, b PinBody) (s PinStatus, err error) {
	err = c.Do(ctx, http.MethodPost, "/pins", b, &s)
	return s, err
}

// Replace replaces the pin of a request ID.
func (c *Client) Replace(ctx context.Context, id string, b PinBody) (s PinStatus, err error) {
	err = c.Do(ctx, http.MethodPost, "/pins/"+id, b, &s)
	return s, err
}

// Get returns the pin of a request ID.
func (c *Client) Get(ctx context.Context, id string) (s PinStatus, err error) {
	err = c.Do(ctx, http.MethodGet, "/pins/"+id, nil, &s)
	return s, err
}

// Remove removes the pin of a request ID.
func (c *Client) Remove(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/pins/"+id, nil, nil)
}

// List returns one page of pins.
func (c *Client) List(ctx context.Context, query url.Values) (p page, err error) {
	err = c.Do(ctx, http.MethodGet, "/pins?"+query.Encode(), nil, &p)
	return p, err
}

// Count returns how many pins have one of the statuses.
func (c *Client) Count(ctx context.Context, statuses string) (int, error) {
	p, err := c.List(ctx, url.Values{"status": {statuses}, "limit": {"1"}})
	return p.Count, err
}

// Walk goes through all pins as clients do, and fails when one is listed twice.
func (c *Client) Walk(ctx context.Context, fn func(PinStatus)) error {
	query := url.Values{"status": {AnyStatus}, "limit": {"1000"}}
	seen := map[string]bool{}
	for {
		p, err := c.List(ctx, query)
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

// All returns the pinset, by CID, and how many pins have each status.
func (c *Client) All(ctx context.Context) (map[string]history.Pin, map[string]int, error) {
	found, statuses := map[string]history.Pin{}, map[string]int{}
	err := c.Walk(ctx, func(s PinStatus) {
		found[s.Pin.CID] = history.Pin{Name: s.Pin.Name, Meta: s.Pin.Meta[MetaKey], Created: s.Created}
		statuses[s.Status]++
	})
	return found, statuses, err
}
