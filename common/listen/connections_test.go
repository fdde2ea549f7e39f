package listen

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// refusing is a listener without descriptors.
type refusing struct {
	net.Listener
	err error
}

func (l *refusing) Accept() (net.Conn, error) {
	if l.err != nil {
		return nil, l.err
	}
	return l.Listener.Accept()
}

func TestAcceptWithoutDescriptors(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		l := &refusing{Listener: inner}
		b := Limit(l, 10)
		client, err := net.Dial("tcp", inner.Addr().String())
		require.NoError(t, err)
		conn, err := b.Accept()
		require.NoError(t, err)
		l.err = &net.OpError{Op: "accept", Net: "tcp", Err: errno}
		_, err = b.Accept()
		require.True(t, errors.Is(err, errno), "the server waits, and tries again")
		require.NoError(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "an idle connection gave up its descriptor")
		require.Error(t, conn.Close())
		require.NoError(t, b.Close())
		require.NoError(t, client.Close())
	}
}

func TestMaxConnections(t *testing.T) {
	files := int(min(OpenFiles(), 1<<30))
	require.Equal(t, 5, MaxConnections(5))
	require.LessOrEqual(t, MaxConnections(1<<40), max(files/2, fewConnections))
	require.LessOrEqual(t, MaxConnections(0), max(files/listenerShare, fewConnections))
	require.GreaterOrEqual(t, MaxConnections(0), fewConnections)
}

// dialer opens connections to a limited listener and accepts them.
type dialer struct {
	t *testing.T
	l net.Listener
}

func (d dialer) open(from string) (client net.Conn, server *Connection) {
	d.t.Helper()
	dial := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client, err := dial.Dial("tcp", d.l.Addr().String())
	require.NoError(d.t, err)
	d.t.Cleanup(func() { client.Close() })
	conn, err := d.l.Accept()
	require.NoError(d.t, err)
	d.t.Cleanup(func() { conn.Close() })
	require.NotNil(d.t, Of(conn))
	return client, Of(conn)
}

// requireClosed reads the end of a connection that the listener has closed.
func (d dialer) requireClosed(client net.Conn) {
	d.t.Helper()
	require.NoError(d.t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(d.t, err, io.EOF)
}

func newDialer(t *testing.T, max int) dialer {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := Limit(inner, max)
	t.Cleanup(func() { l.Close() })
	return dialer{t, l}
}

// The client with most connections gives up its oldest idle one.
func TestVictim(t *testing.T) {
	d := newDialer(t, 5)
	other, otherServer := d.open("127.0.0.3")
	first, firstServer := d.open("127.0.0.2")
	second, _ := d.open("127.0.0.2")
	third, _ := d.open("127.0.0.2")
	fourth, fourthServer := d.open("127.0.0.2")
	firstServer.SetIdle(false)
	d.open("127.0.0.4")
	d.requireClosed(second)
	firstServer.SetIdle(true) // the newest of the idle ones now
	d.open("127.0.0.4")
	d.requireClosed(third)
	for _, open := range []struct {
		client net.Conn
		server *Connection
	}{{other, otherServer}, {first, firstServer}, {fourth, fourthServer}} {
		_, err := open.client.Write([]byte("x"))
		require.NoError(t, err)
		_, err = io.ReadFull(open.server, make([]byte, 1))
		require.NoError(t, err)
	}
}
