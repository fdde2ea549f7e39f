package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

const (
	// largeMeta is how many bytes of meta the pins have.
	largeMeta = 1_000_000
	// listers ask for lists of 1000 all the time, nonReaders once and do not read
	// the answer, uploaders send uploads that make much of little.
	listers, nonReaders, uploaders = 24, 40, 4
	// bodyBytes is how much comes of a body that never ends.
	bodyBytes = 1_000_000
	// memoryBound is how much memory the peer may ever have, in bytes.
	memoryBound = 1 << 30
)

// memory lets everything that takes memory happen at once: lists of pins with 1 MB
// of meta each, at both APIs, clients that do not read their answers, bodies that
// never end, and uploads that make gigabytes of a small body. The peer stays below
// 1 GiB, refuses what it has no room for with 503, and serves small requests.
func memory(ctx context.Context, e *rig.Env) (counts, error) {
	m := &memoryUse{Env: e, pins: e.Pick(300, 100), bodies: e.Pick(1500, 500)}
	err := m.run(ctx)
	return m.counts(), err
}

type memoryUse struct {
	*rig.Env
	peer         *rig.Peer
	pins, bodies int
	peak         int64

	listed, refused, stuck, sent, uploads, good atomic.Int64
	slowest                                     atomic.Int64 // of the good requests, ms
}

func (m *memoryUse) counts() counts {
	return counts{{"pins of 1 MB", m.pins}, {"lists", int(m.listed.Load())}, {"refused with 503", int(m.refused.Load())},
		{"clients that do not read", int(m.stuck.Load())}, {"bodies that never end", int(m.sent.Load())},
		{"uploads refused", int(m.uploads.Load())}, {"good requests between them", int(m.good.Load())},
		{"slowest of these ms", int(m.slowest.Load())}, {"peak resident MiB", int(m.peak / mebibyte)}}
}

func (m *memoryUse) run(ctx context.Context) (err error) {
	if m.peer, err = m.NewPeer(ctx, "peer", process.Options{}); err != nil {
		return err
	}
	if _, err := m.peer.Start(ctx, ""); err != nil {
		return err
	}
	for i := range m.pins {
		body := rig.PinBody{CID: rig.InlineCID(fmt.Sprintf("large %d", i)), Meta: map[string]string{rig.MetaKey: strings.Repeat("x", largeMeta)}}
		if _, err := m.peer.Pins.Post(ctx, body); err != nil {
			return err
		}
	}
	span := time.Duration(m.Pick(60, 8)) * time.Second
	during, end := context.WithTimeout(ctx, span)
	defer end()
	fns := []func(context.Context) error{func(ctx context.Context) error { return m.ask(during, ctx) }}
	for i := range listers {
		fns = append(fns, func(context.Context) error { return m.list(during, i) })
	}
	for i := range nonReaders {
		fns = append(fns, func(context.Context) error { return m.doNotRead(during, i) })
	}
	for range m.bodies {
		fns = append(fns, func(context.Context) error { return m.neverEnd(during) })
	}
	for i := range uploaders {
		fns = append(fns, func(context.Context) error { return m.upload(during, i) })
	}
	if err := rig.Concurrently(ctx, fns...); err != nil {
		return err
	}
	return errors.Join(m.measure(), m.listAll(ctx), m.peer.Alive())
}

// measure fails when the peer ever had too much memory.
func (m *memoryUse) measure() error {
	held, err := process.ReadMemory(m.peer.Running.PID())
	if m.peak = held.Peak; err == nil && m.peak > memoryBound {
		err = fmt.Errorf("the peer had %d MiB, more than %d", m.peak/mebibyte, memoryBound/mebibyte)
	}
	return err
}

// listAll goes through the whole list when the others have gone: page by page, each
// pin once.
func (m *memoryUse) listAll(ctx context.Context) error {
	return rig.Eventually(ctx, m.Bound(time.Minute), func(ctx context.Context) error {
		large := 0
		err := m.peer.Pins.Walk(ctx, func(s rig.PinStatus) {
			if len(s.Pin.Meta[rig.MetaKey]) == largeMeta {
				large++
			}
		})
		if err == nil && large != m.pins {
			err = fmt.Errorf("%d pins of %d are listed", large, m.pins)
		}
		return err
	})
}

// ask does small requests at both APIs, which all succeed.
func (m *memoryUse) ask(during, ctx context.Context) error {
	c := rig.NewClient(m.peer.Pins.Endpoint)
	c.HTTP.Timeout = m.Bound(rig.RequestTimeout)
	for i := 0; during.Err() == nil; i++ {
		start := time.Now()
		posted, err := c.Post(ctx, rig.PinBody{CID: rig.InlineCID(fmt.Sprintf("small %d", i)), Name: "small"})
		if err == nil {
			_, err = c.Get(ctx, posted.RequestID)
		}
		if err == nil {
			_, err = c.List(ctx, url.Values{"name": {"small"}, "limit": {"5"}})
		}
		if err != nil {
			return fmt.Errorf("a small request: %w", err)
		}
		m.good.Add(3)
		m.slowest.Store(max(m.slowest.Load(), time.Since(start).Milliseconds()))
		rig.Sleep(during, 100*time.Millisecond)
	}
	return nil
}

// list asks for lists and reads them.
func (m *memoryUse) list(during context.Context, i int) error {
	c, path := m.peer.Pins, "/pins?limit=1000"
	switch i % 8 {
	case 5:
		path = "/pins?limit=1000&meta=%7B%22" + rig.MetaKey + "%22:%22y%22%7D"
	case 6:
		c, path = m.peer.Rest, "/allocations"
	case 7:
		c, path = m.peer.Rest, "/pins"
	}
	for during.Err() == nil {
		req, err := http.NewRequestWithContext(during, http.MethodGet, c.URL+path, nil)
		if err != nil {
			return err
		}
		req.SetBasicAuth(c.User, c.Password)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // the end, or a connection that was cut
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		switch {
		case res.StatusCode == http.StatusServiceUnavailable:
			m.refused.Add(1)
			rig.Sleep(during, 100*time.Millisecond)
		case res.StatusCode/100 == 2:
			m.listed.Add(1)
		default:
			return fmt.Errorf("GET %s: %s", path, res.Status)
		}
	}
	return nil
}

// doNotRead asks for a list and does not read it.
func (m *memoryUse) doNotRead(during context.Context, i int) error {
	c, path := m.peer.Pins, "/pins?limit=1000"
	if i%4 == 3 {
		c, path = m.peer.Rest, "/allocations"
	}
	conn, err := m.dial(during, c)
	if err != nil {
		return nil // the peer has enough connections
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n\r\n", path, hostOf(c), basic(c))
	m.stuck.Add(1)
	<-during.Done()
	return nil
}

// neverEnd sends a body but for its end.
func (m *memoryUse) neverEnd(during context.Context) error {
	c := m.peer.Pins
	conn, err := m.dial(during, c)
	if err != nil {
		return nil
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /pins HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n{\"meta\":{\"a\":\"",
		hostOf(c), basic(c), bodyBytes+1000)
	_, _ = io.Copy(conn, io.LimitReader(zeros{}, bodyBytes)) // the peer may hang up
	m.sent.Add(1)
	<-during.Done()
	return nil
}

// zeros is a reader of the digit.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func (m *memoryUse) dial(during context.Context, c *rig.Client) (net.Conn, error) {
	return (&net.Dialer{Timeout: m.Bound(10 * time.Second)}).DialContext(during, "tcp", hostOf(c))
}

// upload sends one file in very many folders, very many folders, or a CAR that
// says how long it is, and sometimes hangs up before the answer.
func (m *memoryUse) upload(during context.Context, i int) error {
	c := m.peer.Rest
	for n := i; during.Err() == nil; n++ {
		query, body := "", ""
		switch n % 3 {
		case 0:
			body = partOf(strings.Repeat("a%2F", 400_000)+"f", "x")
		case 1:
			for d := range 400 {
				body += partOf(strings.Repeat(fmt.Sprintf("%d%%2F", d), 120)+"f", "x")
			}
		case 2:
			query, body = "?format=car", partOf("f", "\x80\x80\x80\x0f")
		}
		body += "--b--\r\n"
		within, cancel := during, context.CancelFunc(func() {})
		if n%2 == 0 {
			within, cancel = context.WithTimeout(during, 200*time.Millisecond)
		}
		req, err := http.NewRequestWithContext(within, http.MethodPost, c.URL+"/add"+query, strings.NewReader(body))
		if err != nil {
			cancel()
			return err
		}
		req.SetBasicAuth(c.User, c.Password)
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode >= http.StatusBadRequest {
				m.uploads.Add(1)
			}
		}
		cancel()
	}
	return nil
}

// partOf is one part of a form.
func partOf(name, content string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name +
		"\"\r\nContent-Type: application/octet-stream\r\n\r\n" + content + "\r\n"
}
