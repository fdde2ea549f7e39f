package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// request is what is sent over a connection, right or wrong.
type request struct {
	address string
	what    string // for people
	bytes   string
}

func (r request) String() string { return fmt.Sprintf("%s (%.120q)", r.what, r.bytes) }

// more is how long a request may be without an answer until it is taken for one
// of which the peer wants to have more.
const more = 100 * time.Millisecond

// send sends it and returns the status of the first answer, 0 when there was
// none. When no answer comes it says that there is no more, which the peer may
// take for a client that does not want one any more: hungUp.
func (r request) send(ctx context.Context, patience time.Duration) (status int, hungUp bool, err error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", r.address)
	if err != nil {
		return 0, false, err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.WriteString(conn, r.bytes) // the peer may hang up in the middle
	}()
	defer func() {
		conn.Close()
		<-sent
	}()
	answer := bufio.NewReader(conn)
	conn.SetReadDeadline(time.Now().Add(more))
	line, err := answer.ReadString('\n')
	if hungUp = isLate(err); !hungUp && err != nil {
		status, err = statusLine(line) // it hung up itself
		return status, false, err
	}
	conn.SetDeadline(time.Now().Add(patience))
	conn.(*net.TCPConn).CloseWrite()
	if hungUp {
		var rest string
		rest, err = answer.ReadString('\n')
		line += rest
	}
	if err == nil {
		_, err = io.Copy(io.Discard, answer)
	}
	if isLate(err) {
		return 0, hungUp, errors.New("the peer neither answered nor hung up")
	}
	status, err = statusLine(line)
	return status, hungUp, err
}

func isLate(err error) bool {
	var late net.Error
	return errors.As(err, &late) && late.Timeout()
}

// statusLine reads the first line of an answer. No line is no answer.
func statusLine(line string) (status int, err error) {
	if line == "" {
		return 0, nil
	}
	version, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(version, "HTTP/1.") {
		return 0, fmt.Errorf("the answer begins with %.50q", line)
	}
	_, err = fmt.Sscan(rest, &status)
	return status, err
}

// crawl keeps many connections busy with headers and bodies that come a byte at
// a time, until the context ends. The peer cuts them off by itself.
func (h *hostility) crawl(ctx context.Context) error {
	var fns []func(context.Context) error
	for i := range slowConnections {
		c := []*rig.Client{h.peer.Pins, h.peer.Rest}[i%2]
		head := fmt.Sprintf("POST /pins HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 1000\r\n", basic(c))
		if i%4 < 2 {
			head += "\r\n{" // and then a body that does not end
		}
		fns = append(fns, func(context.Context) error {
			for ctx.Err() == nil {
				h.slow.Add(1)
				drip(ctx, hostOf(c), head)
			}
			return nil
		})
	}
	return rig.Concurrently(ctx, fns...)
}

// drip sends the beginning of a request, and then bytes without an end, until
// it is cut off.
func drip(ctx context.Context, address, head string) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		rig.Sleep(ctx, 100*time.Millisecond)
		return
	}
	defer conn.Close()
	for text := head; ctx.Err() == nil; text = "a" {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		rig.Sleep(ctx, 200*time.Millisecond)
	}
}
