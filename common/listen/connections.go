package listen

import (
	"container/list"
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
	idle  list.List // of *Connection, idle for the longest time first
}

// Connection counts itself until it is closed. It is idle while it has no
// request, or only one that waits for its credentials to be verified.
type Connection struct {
	net.Conn
	all   *connections
	addr  string
	Local bool // of a listener on loopback

	// Under the lock of all.
	idle    *list.Element // in the address's list, or nil
	dropped bool
}

// Limit returns a listener with at most max connections, for a server whose
// ConnState hook is ConnState.
func Limit(l net.Listener, max int) net.Listener {
	c := &connections{max: max, of: make(map[string]*addressConnections)}
	c.room.L = &c.mu
	return &limitedListener{l, c, isOnLoopback(l)}
}

type limitedListener struct {
	net.Listener
	all   *connections
	local bool
}

// Accept returns the next connection when there is room for it. When the process has
// no free descriptor, Accept closes an idle connection and returns the error: the
// server tries again.
func (l *limitedListener) Accept() (net.Conn, error) {
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
func (l *limitedListener) Close() error {
	l.all.mu.Lock()
	l.all.closed = true
	l.all.room.Broadcast()
	l.all.mu.Unlock()
	return l.Listener.Close()
}

// add counts a connection, which is idle until its first request. When there is
// room for no more it closes an idle one, and waits when none is idle. It
// returns false when the listener was closed.
func (c *connections) add(conn net.Conn, local bool) (*Connection, bool) {
	added := &Connection{Conn: conn, all: c, addr: clientOf(conn), Local: local}
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

// closeIdle closes the victim, and returns false when there is none. It runs under the
// lock, which Connection.Close would take again: so it closes the inner connection.
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
func (c *connections) victim() *Connection {
	var most *addressConnections
	for _, a := range c.of {
		if a.idle.Len() > 0 && (most == nil || a.count > most.count) {
			most = a
		}
	}
	if most == nil {
		return nil
	}
	oldest, _ := most.idle.Front().Value.(*Connection)
	return oldest
}

// drop stops counting a connection. Its server closes a victim a second time, which
// must not count twice.
func (c *connections) drop(conn *Connection) {
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

// SetIdle notes whether a connection may be closed for another one.
func (c *Connection) SetIdle(idle bool) {
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

// Close implements net.Conn.
func (c *Connection) Close() error {
	c.all.mu.Lock()
	c.all.drop(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// clientOf returns the key that the connections of one client are counted by.
func clientOf(conn net.Conn) string {
	addr, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return Unix
	}
	ip, _ := netip.AddrFromSlice(addr.IP)
	return ClientKey(ip.Unmap().WithZone("").String())
}

// isOnLoopback reports whether a listener can be reached from this machine only.
// Unix sockets do not count: no browser reaches them.
func isOnLoopback(l net.Listener) bool {
	addr, ok := l.Addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// Of returns the connection below TLS and other wrappers that have a method
// NetConn, or nil.
func Of(conn net.Conn) *Connection {
	for {
		switch c := conn.(type) {
		case *Connection:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// ConnState is the hook of an http.Server whose listeners come from Limit. It ignores
// new and closed connections, which add and Close count.
func ConnState(conn net.Conn, state http.ConnState) {
	c := Of(conn)
	if c == nil {
		return
	}
	switch state {
	case http.StateIdle:
		c.SetIdle(true)
	case http.StateActive:
		c.SetIdle(false)
	}
}
