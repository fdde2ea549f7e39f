package common

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// slots bound how many requests of one listener are worked on at once. Nil
// means no bound.
type slots chan struct{}

func newSlots(n int) slots {
	if n == 0 {
		return nil
	}
	return make(slots, n)
}

type slotsKey struct{}

// slotsOf returns those of the listener that a request came from, or, without
// a listener, the handler's own.
func (h *Handler) slotsOf(r *http.Request) slots {
	if s, ok := r.Context().Value(slotsKey{}).(slots); ok {
		return s
	}
	return h.slots
}

// slotted is a connection that knows the slots of its listener.
type slotted struct {
	net.Conn
	slots slots
}

// NetConn returns the connection below, as that of *tls.Conn does.
func (s slotted) NetConn() net.Conn { return s.Conn }

// slottedListener marks every connection with the listener's slots.
type slottedListener struct {
	net.Listener
	slots slots
}

func (l slottedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return slotted{conn, l.slots}, nil
}

// ConnContext is the hook of an http.Server whose listeners come from
// listen.Limit: it gives the requests of a connection what is known of it.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	if marked, ok := conn.(slotted); ok {
		ctx = context.WithValue(ctx, slotsKey{}, marked.slots)
		conn = marked.Conn
	}
	if c, ok := conn.(*listen.Connection); ok {
		ctx = context.WithValue(ctx, connectionKey{}, c)
		if c.Local {
			ctx = withLoopback(ctx)
		}
	}
	return withStream(ctx, conn)
}

type connectionKey struct{}

// yieldConnection lets the connection of a request be closed for another one
// until done is called: the request waits, and has no right to be answered yet.
// With HTTP/2 the connection may have other requests.
func yieldConnection(r *http.Request) (done func()) {
	c, _ := r.Context().Value(connectionKey{}).(*listen.Connection)
	if c == nil || r.ProtoMajor > 1 {
		return func() {}
	}
	c.SetIdle(true)
	return func() { c.SetIdle(false) }
}

// limited answers 503 when as many requests as may be are being worked on. Open
// routes do next to nothing and are not counted. While a request waits for the
// rest of its body it gives its slot to others, so that slow clients cannot
// take all.
func (h *Handler) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := h.slotsOf(r)
		if s == nil || h.isOpen(r) {
			next.ServeHTTP(w, r)
			return
		}
		select {
		case s <- struct{}{}:
		default:
			h.fail(w, r, &Failure{
				Status:  http.StatusServiceUnavailable,
				Reason:  ReasonUnavailable,
				Details: "too many requests at once",
				Header:  http.Header{"Retry-After": {"1"}},
			})
			return
		}
		p := &pass{slots: s, held: true}
		defer p.end()
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &yieldingBody{ReadCloser: r.Body, ctx: r.Context(), pass: p}
		}
		next.ServeHTTP(w, r)
	})
}

// pass is a request's right to be worked on.
type pass struct {
	slots slots

	mu    sync.Mutex
	held  bool
	ended bool
}

// leave gives the slot to others.
func (p *pass) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

func (p *pass) release() {
	if p.held {
		p.held = false
		<-p.slots
	}
}

// enter waits for a slot. Requests that wait here come before new ones, which
// do not wait.
func (p *pass) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.held {
		<-p.slots
		return nil
	}
	p.held = true
	return nil
}

// end gives the slot back for good. Something may still read the body.
func (p *pass) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.release()
}

// yieldingBody gives its request's slot away while it waits for the client.
type yieldingBody struct {
	io.ReadCloser
	ctx  context.Context
	pass *pass
}

func (b *yieldingBody) Read(p []byte) (int, error) {
	b.pass.leave()
	n, err := b.ReadCloser.Read(p)
	if waitErr := b.pass.enter(b.ctx); waitErr != nil && (err == nil || errors.Is(err, io.EOF)) {
		return n, waitErr
	}
	return n, err
}
