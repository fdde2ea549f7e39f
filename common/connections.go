package common

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
)

const (
	// fewFiles is the limit of open files where it cannot be found out.
	fewFiles = 1024
	// listenerShare is the part of the limit that one listener may take: four
	// of them leave half of it to the stores and to libp2p.
	listenerShare = 8
	// A listener keeps this many connections at least and, unless more are
	// configured, at most. An idle one takes about 20 KiB of memory.
	fewConnections, manyConnections = 8, 8192
)

// MaxConnections returns how many connections a listener keeps when so many are
// configured: max_connections, where 0 means a share of the process's limit of
// open files.
func MaxConnections(configured int) int {
	files := OpenFiles()
	if configured > 0 {
		return int(min(uint64(configured), max(files/2, fewConnections)))
	}
	return int(min(max(files/listenerShare, fewConnections), manyConnections))
}

// connections are those of one listener. When there are max of them, the one
// that has been idle longest makes room for the next: of the address that has
// most connections, so that a client cannot take those of others. There is no
// limit for one address, which may be a proxy.
type connections struct {
	max int

	mu     sync.Mutex
	room   sync.Cond // one less is open, or one more is idle
	count  int
	closed bool
	of     map[string]*addressConnections
}

// addressConnections are those of one address.
type addressConnections struct {
	count int
	idle  list.List // of *connection, idle for the longest time first
}

// connection counts itself until it is closed. It is idle while it has no
// request, or only one that waits for its credentials to be verified.
type connection struct {
	net.Conn
	all   *connections
	addr  string
	local bool // of a listener on loopback

	// Under the lock of all.
	idle    *list.Element // in the address's list, or nil
	dropped bool
}

// Bound returns a listener with at most max connections, for a server whose
// ConnState hook is ConnState.
func Bound(l net.Listener, max int) net.Listener {
	c := &connections{max: max, of: make(map[string]*addressConnections)}
	c.room.L = &c.mu
	return &boundListener{l, c, isOnLoopback(l)}
}

type boundListener struct {
	net.Listener
	all   *connections
	local bool
}

// Accept returns the next connection when there is room for it. When the
// process has no descriptor for one, an idle connection gives up its own, and
// the error is returned: the server tries again.
func (l *boundListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			l.all.closeOne()
		}
		return nil, err
	}
	added, ok := l.all.add(conn, l.local)
	if !ok {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	return added, nil
}

// Close ends Accept, also while that waits for room.
func (l *boundListener) Close() error {
	l.all.mu.Lock()
	l.all.closed = true
	l.all.room.Broadcast()
	l.all.mu.Unlock()
	return l.Listener.Close()
}

// add counts a connection, which is idle until its first request. When there is
// room for no more it closes an idle one, and waits when none is idle. It
// returns false when the listener was closed.
func (c *connections) add(conn net.Conn, local bool) (*connection, bool) {
	added := &connection{Conn: conn, all: c, addr: addressOf(conn), local: local}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.count >= c.max && !c.closed {
		if !c.closeIdle() {
			c.room.Wait()
		}
	}
	if c.closed {
		return nil, false
	}
	own := c.of[added.addr]
	if own == nil {
		own = &addressConnections{}
		c.of[added.addr] = own
	}
	own.count++
	c.count++
	added.idle = own.idle.PushBack(added)
	return added, true
}

func (c *connections) closeOne() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeIdle()
}

// closeIdle closes the victim. It returns false when there is none.
func (c *connections) closeIdle() bool {
	v := c.victim()
	if v == nil {
		return false
	}
	c.drop(v)
	_ = v.Conn.Close() // its server notices, and closes it again
	return true
}

// victim returns the connection that has been idle longest, of the address that
// has most connections, or nil when none is idle.
func (c *connections) victim() *connection {
	var most *addressConnections
	for _, a := range c.of {
		if a.idle.Len() > 0 && (most == nil || a.count > most.count) {
			most = a
		}
	}
	if most == nil {
		return nil
	}
	oldest, _ := most.idle.Front().Value.(*connection)
	return oldest
}

// drop stops counting a connection.
func (c *connections) drop(conn *connection) {
	if conn.dropped {
		return
	}
	conn.dropped = true
	own := c.of[conn.addr]
	if conn.idle != nil {
		own.idle.Remove(conn.idle)
		conn.idle = nil
	}
	c.count--
	if own.count--; own.count == 0 {
		delete(c.of, conn.addr)
	}
	c.room.Signal()
}

// setIdle notes whether a connection may be closed for another one.
func (c *connection) setIdle(idle bool) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	switch own := c.all.of[c.addr]; {
	case c.dropped:
	case idle && c.idle == nil:
		c.idle = own.idle.PushBack(c)
		c.all.room.Signal()
	case !idle && c.idle != nil:
		own.idle.Remove(c.idle)
		c.idle = nil
	}
}

type connectionKey struct{}

// yieldConnection lets the connection of a request be closed for another one
// until the returned function is called: the request waits, and has no right to
// be answered yet. With HTTP/2 the connection may have other requests.
func yieldConnection(r *http.Request) (done func()) {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	if c == nil || r.ProtoMajor > 1 {
		return func() {}
	}
	c.setIdle(true)
	return func() { c.setIdle(false) }
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.drop(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// addressOf returns what the connections of one client are counted by.
func addressOf(conn net.Conn) string {
	addr, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return unixRemote
	}
	ip, _ := netip.AddrFromSlice(addr.IP)
	return bucketOf(context.Background(), ip.Unmap().WithZone("").String())
}

// boundConnection returns the connection below TLS and other wrappers, or nil.
func boundConnection(conn net.Conn) *connection {
	for {
		switch c := conn.(type) {
		case *connection:
			return c
		case *tls.Conn:
			conn = c.NetConn()
		case slotted:
			conn = c.Conn
		default:
			return nil
		}
	}
}

// ConnState is the hook of an http.Server whose listeners come from Bound.
func ConnState(conn net.Conn, state http.ConnState) {
	c := boundConnection(conn)
	if c == nil {
		return
	}
	switch state {
	case http.StateIdle:
		c.setIdle(true)
	case http.StateActive:
		c.setIdle(false)
	}
}
