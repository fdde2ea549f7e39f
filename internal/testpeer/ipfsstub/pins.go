package ipfsstub

import (
	"bufio"
	"fmt"
	"io"
	"net/http"

	pinner "github.com/ipfs/boxo/pinning/pinner"
)

// servePinAdd pins, or does what the faults say. The answer is a stream of
// progress lines, the last of which names the pin.
func (s *Stub) servePinAdd(w http.ResponseWriter, r *http.Request) {
	c, err := argument(r, 0)
	if err != nil {
		fail(w, "%v", err)
		return
	}
	if s.faults.wait(r.Context()) != nil {
		return
	}
	if message := s.faults.pinFailure(); message != "" {
		fail(w, "%s", message)
		return
	}
	m := recursive
	if r.URL.Query().Get("recursive") == "false" {
		m = direct
	}
	s.pins.add(m, c)
	if r.URL.Query().Get("progress") == "true" {
		io.WriteString(w, "{\"Progress\":1}\n")
	}
	fmt.Fprintf(w, "{\"Pins\":[%q]}\n", c)
}

func (s *Stub) servePinRm(w http.ResponseWriter, r *http.Request) {
	c, err := argument(r, 0)
	if err != nil {
		fail(w, "%v", err)
		return
	}
	if !s.pins.remove(c) {
		fail(w, "%s", pinner.ErrNotPinned)
		return
	}
	reply(w, object{"Pins": []string{c.String()}})
}

// servePinUpdate pins the second argument because the first one is.
func (s *Stub) servePinUpdate(w http.ResponseWriter, r *http.Request) {
	from, err := argument(r, 0)
	if err != nil {
		fail(w, "%v", err)
		return
	}
	to, err := argument(r, 1)
	if err != nil {
		fail(w, "%v", err)
		return
	}
	if _, ok := s.pins.get(from, recursive); !ok {
		fail(w, "'from' cid was not recursively pinned already")
		return
	}
	s.pins.add(recursive, to)
	if r.URL.Query().Get("unpin") != "false" && from != to {
		s.pins.remove(from)
	}
	reply(w, object{"Pins": []string{from.String(), to.String()}})
}

// servePinLs lists all pins of a type, or looks for one.
func (s *Stub) servePinLs(w http.ResponseWriter, r *http.Request) {
	modes := []mode{recursive, direct}
	if m := mode(r.URL.Query().Get("type")); m == recursive || m == direct {
		modes = []mode{m}
	}
	if !r.URL.Query().Has("arg") {
		writePins(w, r, s.pins.list(modes...))
		return
	}
	c, err := argument(r, 0)
	if err != nil {
		fail(w, "%v", err)
		return
	}
	e, ok := s.pins.get(c, modes...)
	if !ok {
		fail(w, "path '%s' is not pinned", c)
		return
	}
	writePins(w, r, []entry{e})
}

// writePins answers with a line for each pin, or with one object.
func writePins(w http.ResponseWriter, r *http.Request, pins []entry) {
	if r.URL.Query().Get("stream") != "true" {
		keys := make(map[string]object, len(pins))
		for _, e := range pins {
			keys[e.cid.String()] = object{"Type": e.mode}
		}
		reply(w, object{"Keys": keys})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, 1<<16)
	defer out.Flush()
	for _, e := range pins {
		out.WriteString(e.line)
	}
}
