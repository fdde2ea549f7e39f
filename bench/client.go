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

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// requestTimeout bounds one request: a list of a million pins takes some
// programs half a minute.
const requestTimeout = 5 * time.Minute

// page is a PinResults of the Pinning Service API, as far as it is checked.
type page struct {
	Count   int         `json:"count"`
	Results []pinStatus `json:"results"`
}

// pinStatus is a PinStatus of the Pinning Service API.
type pinStatus struct {
	Status  string `json:"status"`
	Created string `json:"created"`
	Pin     struct {
		CID  string            `json:"cid"`
		Name string            `json:"name"`
		Meta map[string]string `json:"meta"`
	} `json:"pin"`
}

// client asks one API.
type client struct {
	process.Endpoint
	http *http.Client
}

func newClient(e process.Endpoint) client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	return client{Endpoint: e, http: &http.Client{Transport: transport, Timeout: requestTimeout}}
}

// do sends a request with a JSON body, or none, and returns the body of a
// successful answer.
func (c client) do(ctx context.Context, method, path string, body any) ([]byte, error) {
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		send = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, send)
	if err != nil {
		return nil, err
	}
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
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, &statusError{res.StatusCode, fmt.Sprintf("%s %s: %s: %.300s", method, path, res.Status, raw)}
	}
	return raw, nil
}

// statusError is an answer without success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// list asks for GET /pins.
func (c client) list(ctx context.Context, query url.Values) (page, error) {
	raw, err := c.do(ctx, http.MethodGet, "/pins?"+query.Encode(), nil)
	if err != nil {
		return page{}, err
	}
	var p page
	if err := json.Unmarshal(raw, &p); err != nil {
		return page{}, fmt.Errorf("GET /pins?%s: %w", query.Encode(), err)
	}
	return p, nil
}

// post pins through the Pinning Service API.
func (c client) post(ctx context.Context, p fixture.Pin) error {
	body := map[string]any{"cid": p.CID.String(), "name": p.Name, "meta": p.Meta}
	_, err := c.do(ctx, http.MethodPost, "/pins", body)
	return err
}

// postREST pins through the cluster REST API, the same name and meta.
func (c client) postREST(ctx context.Context, p fixture.Pin) error {
	query := url.Values{"name": {p.Name}}
	for k, v := range p.Meta {
		query.Set("meta-"+k, v)
	}
	_, err := c.do(ctx, http.MethodPost, "/pins/"+p.CID.String()+"?"+query.Encode(), nil)
	return err
}

// allocations counts the pins in the peer's state, through the cluster REST
// API, which streams one line each.
func (c client) allocations(ctx context.Context) (int, error) {
	raw, err := c.do(ctx, http.MethodGet, "/allocations?filter=all", nil)
	return bytes.Count(raw, []byte("\n")), err
}

// allocated tells whether a pin is in the peer's state.
func (c client) allocated(ctx context.Context, p fixture.Pin) (bool, error) {
	_, err := c.do(ctx, http.MethodGet, "/allocations/"+p.CID.String(), nil)
	var answer *statusError
	if errors.As(err, &answer) && answer.status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// members counts the cluster's peers as this one knows them.
func (c client) members(ctx context.Context) (int, error) {
	raw, err := c.do(ctx, http.MethodGet, "/id", nil)
	if err != nil {
		return 0, err
	}
	var id struct {
		Peers []string `json:"cluster_peers"`
	}
	err = json.Unmarshal(raw, &id)
	return len(id.Peers), err
}
