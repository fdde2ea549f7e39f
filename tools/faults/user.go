package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// user is one of many clients: it uses everything that a peer offers, at random.
type user struct {
	id      int
	rng     *rand.Rand
	pins    *rig.Client
	rest    *rig.Client
	metrics *rig.Client

	mine     []string // CIDs of its pins
	next     int
	requests int
	slowest  time.Duration
	err      error
}

// userPatience is how long a user waits for an answer: with the race detector
// a peer is ten times as slow, and there are 200 users. The peer itself turns
// what takes longer than a minute into a 503, which is an error.
const userPatience = 2 * time.Minute

// minePins is how many pins a user has at most.
const minePins = 5

func newUser(e *rig.Env, id int, p *rig.Peer, metrics string) *user {
	u := &user{id: id, rng: rand.New(rand.NewPCG(e.Rand.Uint64(), uint64(id)))}
	u.pins, u.rest = rig.NewClient(p.Pins.Endpoint), rig.NewClient(p.Rest.Endpoint)
	u.metrics = rig.NewClient(p.Pins.Endpoint)
	u.metrics.URL, u.metrics.User = metrics, ""
	for _, c := range []*rig.Client{u.pins, u.rest, u.metrics} {
		c.HTTP.Timeout = e.Bound(userPatience)
	}
	return u
}

func (u *user) close() {
	for _, c := range []*rig.Client{u.pins, u.rest, u.metrics} {
		c.HTTP.CloseIdleConnections()
	}
}

// use asks until during ends, and then removes the user's pins.
func (u *user) use(during, ctx context.Context) error {
	for during.Err() == nil && u.err == nil {
		u.err = u.one(ctx)
	}
	for _, id := range u.mine {
		u.err = errors.Join(u.err, u.timed(http.MethodDelete, "/pins/"+id, func() error { return u.pins.Remove(ctx, id) }))
	}
	u.mine = nil
	return u.err
}

// timed does a request. Only a 5xx, or none, is an error.
func (u *user) timed(method, path string, ask func() error) error {
	start := time.Now()
	err := ask()
	u.requests++
	u.slowest = max(u.slowest, time.Since(start))
	if status := rig.StatusOf(err); status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		return fmt.Errorf("a good request is refused: %w", err)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// send is timed for a request whose answer does not matter.
func (u *user) send(ctx context.Context, c *rig.Client, method, path string, body any) error {
	return u.timed(method, path, func() error {
		if body != nil {
			return c.Do(ctx, method, path, body, nil)
		}
		_, err := c.Send(ctx, method, path, "application/json", nil)
		return err
	})
}

// one does one thing.
func (u *user) one(ctx context.Context) error {
	if len(u.mine) == 0 {
		return u.add(ctx)
	}
	i := u.rng.IntN(len(u.mine))
	id := u.mine[i]
	switch dice := u.rng.IntN(30); {
	case dice < 5 && len(u.mine) < minePins:
		return u.add(ctx)
	case dice < 7: // another name
		return u.send(ctx, u.pins, http.MethodPost, "/pins", u.body(id))
	case dice < 9: // the same, by its request ID
		return u.replace(ctx, id, id)
	case dice < 11: // another pin in its place
		u.mine[i] = u.cid()
		return u.replace(ctx, id, u.mine[i])
	case dice < 13:
		u.mine = append(u.mine[:i], u.mine[i+1:]...)
		c := u.pins
		if dice == 12 {
			c = u.rest
		}
		return u.send(ctx, c, http.MethodDelete, "/pins/"+id, nil)
	case dice < 16:
		return u.send(ctx, u.pins, http.MethodGet, "/pins/"+id, nil)
	case dice < 20:
		return u.list(ctx, id)
	case dice == 20 && u.rng.IntN(4) == 0: // costs the most by far
		return u.timed(http.MethodPost, "/add", func() error {
			added, err := u.rest.Add(ctx, "file", fmt.Appendf(nil, "a file of %d, %d", u.id, u.rng.Uint64()))
			if err == nil {
				u.mine = append(u.mine, added)
			}
			return err
		})
	}
	return u.look(ctx, id)
}

func (u *user) add(ctx context.Context) error {
	id := u.cid()
	u.mine = append(u.mine, id)
	switch u.rng.IntN(6) {
	case 0:
		return u.send(ctx, u.rest, http.MethodPost, "/pins/"+id+"?name=rest", nil)
	case 1:
		return u.send(ctx, u.rest, http.MethodPost, "/pins/ipfs/"+id+"?name=path", nil)
	}
	return u.send(ctx, u.pins, http.MethodPost, "/pins", u.body(id))
}

func (u *user) replace(ctx context.Context, id, by string) error {
	return u.timed(http.MethodPost, "/pins/"+id, func() error {
		_, err := u.pins.Replace(ctx, id, u.body(by))
		return err
	})
}

func (u *user) cid() string {
	u.next++
	return rig.InlineCID(fmt.Sprintf("user %d %d %d", u.id, u.next, u.rng.Uint32()))
}

func (u *user) body(id string) rig.PinBody {
	return rig.PinBody{CID: id, Name: fmt.Sprintf("user %d", u.id), Meta: map[string]string{rig.MetaKey: fmt.Sprint(u.rng.Uint32())}}
}

// list asks for one of the lists that clients ask for.
func (u *user) list(ctx context.Context, id string) error {
	queries := []url.Values{
		{},
		{"limit": {"100"}, "status": {rig.AnyStatus}},
		{"name": {fmt.Sprintf("user %d", u.id)}},
		{"name": {"USER"}, "match": {"ipartial"}, "limit": {"50"}},
		{"cid": {id}},
		{"status": {"queued,pinning,failed"}},
		{"meta": {`{"` + rig.MetaKey + `":"1"}`}},
		{"before": {time.Now().UTC().Format(time.RFC3339)}, "limit": {"1000"}},
	}
	return u.send(ctx, u.pins, http.MethodGet, "/pins?"+queries[u.rng.IntN(len(queries))].Encode(), nil)
}

// look asks for something else that both APIs have.
func (u *user) look(ctx context.Context, id string) error {
	asks := []struct {
		c            *rig.Client
		method, path string
	}{
		{u.pins, http.MethodPost, "/token"}, {u.pins, http.MethodGet, "/health"}, {u.pins, http.MethodGet, "/ready"},
		{u.rest, http.MethodGet, "/id"}, {u.rest, http.MethodGet, "/version"}, {u.rest, http.MethodGet, "/peers"},
		{u.rest, http.MethodGet, "/pins/" + id}, {u.rest, http.MethodGet, "/pins/" + id + "?local=true"},
		{u.rest, http.MethodGet, "/pins"}, {u.rest, http.MethodGet, "/pins?filter=queued,pinning"},
		{u.rest, http.MethodGet, "/allocations"}, {u.rest, http.MethodGet, "/allocations/" + id},
		{u.rest, http.MethodPost, "/pins/" + id + "/recover"}, {u.rest, http.MethodGet, "/health"},
		{u.rest, http.MethodGet, "/health/graph"}, {u.rest, http.MethodGet, "/health/alerts"},
		{u.rest, http.MethodGet, "/health/bandwidth"}, {u.rest, http.MethodGet, "/monitor/metrics"},
		{u.rest, http.MethodGet, "/monitor/metrics/freespace"}, {u.rest, http.MethodPost, "/token"},
		{u.rest, http.MethodPost, "/pins/recover"}, {u.rest, http.MethodPost, "/ipfs/gc"},
		{u.metrics, http.MethodGet, "/metrics"},
	}
	ask := asks[u.rng.IntN(len(asks))]
	return u.send(ctx, ask.c, ask.method, ask.path, nil)
}
