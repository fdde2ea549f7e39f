package main

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// maker makes requests of one kind.
type maker struct {
	what  string
	peer  *rig.Peer
	rng   *rand.Rand
	fixed []string                             // sent once each, to both APIs
	make  func(m *maker, c *rig.Client) string // or made at random
}

// all returns so many requests, or all that there are.
func (m *maker) all(n int) []request {
	var out []request
	for _, c := range []*rig.Client{m.peer.Pins, m.peer.Rest} {
		for _, text := range m.fixed {
			out = append(out, request{hostOf(c), m.what, strings.ReplaceAll(text, "AUTH", basic(c))})
		}
	}
	for m.make != nil && len(out) < n {
		c := m.peer.Pins
		if m.rng.IntN(2) == 0 {
			c = m.peer.Rest
		}
		out = append(out, request{hostOf(c), m.what, m.make(m, c)})
	}
	return out
}

func basic(c *rig.Client) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Password))
}

func hostOf(c *rig.Client) string {
	u, err := url.Parse(c.URL)
	if err != nil {
		panic(err) // it is made from an address
	}
	return u.Host
}

func (h *hostility) makers() ([]*maker, error) {
	inputs, err := corpus()
	if err != nil {
		return nil, err
	}
	h.inputs = len(inputs)
	all := []*maker{
		{what: "the inputs of fuzz tests", fixed: everywhere(inputs)},
		{what: "a request that is none", fixed: wrongRequests()},
		{what: "a request cut off", make: func(m *maker, c *rig.Client) string {
			text := m.good(c)
			return text[:m.rng.IntN(len(text))]
		}},
		{what: "a request with other bytes in it", make: func(m *maker, c *rig.Client) string {
			return m.damaged(m.good(c))
		}},
		{what: "a request with a part of another", make: func(m *maker, c *rig.Client) string {
			one, other := m.good(c), m.good(c)
			i, j := m.rng.IntN(len(one)), m.rng.IntN(len(other))
			return one[:i] + other[j:]
		}},
		{what: "random bytes", make: func(m *maker, _ *rig.Client) string { return m.noise(1 + m.rng.IntN(2000)) }},
		{what: "a random body", make: func(m *maker, c *rig.Client) string {
			return m.post(c, "/pins", m.damaged(`{"cid":"bafkqaaa","name":"n","meta":{"a":"b"},"origins":["/ip4/1.2.3.4/tcp/1"]}`))
		}},
		{what: "a random query", make: func(m *maker, c *rig.Client) string {
			return m.get(c, "/pins?"+m.damaged("limit=10&before=2026-01-01T00:00:00Z&status=pinned&name=a&match=iexact&cid=bafkqaaa&meta=%7B%7D"))
		}},
		{what: "a random path", make: func(m *maker, c *rig.Client) string {
			return m.get(c, m.damaged("/pins/bafkqaaa/../%2e%2e//allocations/"))
		}},
		{what: "a random upload", make: func(m *maker, c *rig.Client) string {
			form := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%2Fb\"\r\nContent-Type: application/x-directory\r\n\r\n\r\n" +
				"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: application/octet-stream\r\n\r\ntext\r\n--x--\r\n"
			body := m.damaged(form)
			return fmt.Sprintf("POST /add?%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n%s",
				url.QueryEscape(m.noise(3)), basic(m.peer.Rest), len(body), body)
		}},
	}
	for _, m := range all {
		m.peer, m.rng = h.peer, rand.New(rand.NewPCG(h.Rand.Uint64(), 0))
	}
	return all, nil
}

// good returns a request that is right.
func (m *maker) good(c *rig.Client) string {
	const id = "bafkqaaa" // nothing: every node has it
	switch m.rng.IntN(6) {
	case 0:
		return m.post(c, "/pins", `{"cid":"`+id+`","name":"n","meta":{"a":"b"}}`)
	case 1:
		return m.get(c, "/pins?limit=10&status=pinned,failed&name=x&match=partial")
	case 2:
		return m.get(c, "/pins/"+id)
	case 3:
		return m.post(c, "/token", `{"expires_in":"1h"}`)
	case 4:
		return "POST /pins/" + id + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + basic(c) + "\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" +
			`{"cid":"bafkqaaa` + "\r\n2\r\n\"}\r\n0\r\nTrailer: x\r\n\r\n"
	}
	return "OPTIONS /pins HTTP/1.1\r\nHost: x\r\nOrigin: https://example.com\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
}

func (m *maker) get(c *rig.Client, target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + basic(c) + "\r\n\r\n"
}

func (m *maker) post(c *rig.Client, target, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", target, basic(c), len(body), body)
}

// damaged returns a text with a few bytes changed, doubled, put in or left out.
func (m *maker) damaged(text string) string {
	b := []byte(text)
	for range 1 + m.rng.IntN(4) {
		if len(b) == 0 {
			break
		}
		i := m.rng.IntN(len(b))
		switch m.rng.IntN(5) {
		case 0:
			b[i] = byte(m.rng.Uint32())
		case 1:
			b = append(b[:i], b[i+1:]...)
		case 2:
			b = append(b[:i], append([]byte(m.noise(1+m.rng.IntN(8))), b[i:]...)...)
		case 3:
			b = append(b[:i], append([]byte(string(b[i:])), b[i:]...)...)
		case 4:
			special := []string{"\x00", "\r\n", "\xff", "%", "\\", `"`, "&", "\xed\xa0\x80", " ", "99999999999999999999"}
			b = append(b[:i], append([]byte(special[m.rng.IntN(len(special))]), b[i:]...)...)
		}
	}
	return string(b)
}

func (m *maker) noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.rng.Uint32())
	}
	return string(b)
}
