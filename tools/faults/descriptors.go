package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"

	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// fewDescriptors is the peer's limit of open files.
	fewDescriptors = 200
	// idleConnections are held open to each address of the peer.
	idleConnections = 300
	// linesBound is how many lines the peer may log of it.
	linesBound = 200
)

// descriptors lets a peer have few open files, and takes more connections to
// each of its addresses than that, which ask for nothing. Others are served, pins
// are stored, and the peer does not end.
func descriptors(ctx context.Context, e *rig.Env) (counts, error) {
	d := &scarcity{Env: e, span: time.Duration(e.Pick(60, 8)) * time.Second}
	err := d.run(ctx)
	return d.counts(), err
}

type scarcity struct {
	*rig.Env
	span time.Duration
	peer *rig.Peer

	opened, asked, written, lines int
	slowest                       time.Duration
	mu                            sync.Mutex
}

func (d *scarcity) counts() counts {
	return counts{{"limit of open files", fewDescriptors}, {"idle connections opened", d.opened},
		{"requests of others", d.asked}, {"pins", d.written},
		{"slowest answer ms", int(d.slowest.Milliseconds())}, {"lines of its log", d.lines}}
}

func (d *scarcity) run(ctx context.Context) (err error) {
	metrics, err := rig.FreeAddress()
	if err != nil {
		return err
	}
	d.peer, err = d.NewPeer(ctx, "peer", process.Options{Set: []process.Setting{
		{Value: true, Path: []string{"observations", "metrics", "enable_stats"}},
		{Value: rig.MultiaddrOf(metrics), Path: []string{"observations", "metrics", "prometheus_endpoint"}},
	}})
	if err != nil {
		return err
	}
	d.peer.Folder = d.peer.Folder.Behind("sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, fewDescriptors))
	if _, err := d.peer.Start(ctx, ""); err != nil {
		return err
	}
	before := d.logLines()
	if err := d.served(ctx, metrics); err != nil {
		return err
	}
	if d.lines = d.logLines() - before; d.lines > linesBound {
		return fmt.Errorf("the peer has logged %d lines", d.lines)
	}
	return d.peer.Alive()
}

// served asks the peer while others hold idle connections.
func (d *scarcity) served(ctx context.Context, metrics string) error {
	addresses := []string{hostOf(d.peer.Pins), hostOf(d.peer.Rest), metrics}
	cluster, err := d.peer.Folder.Multiaddr()
	if err != nil {
		return err
	}
	at, err := multiaddr.NewMultiaddr(cluster)
	if err != nil {
		return err
	}
	at, _ = libp2p.SplitAddr(at)
	_, address, err := manet.DialArgs(at)
	if err != nil {
		return err
	}
	addresses = append(addresses, address)
	during, end := context.WithCancel(ctx)
	defer end()
	var holders sync.WaitGroup
	defer holders.Wait()
	defer end()
	for _, a := range addresses {
		for range idleConnections {
			holders.Go(func() { d.hold(during, a) })
		}
	}
	// Others come when all of these are there.
	if err := rig.Eventually(ctx, d.Bound(10*time.Second), func(context.Context) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if want := idleConnections * len(addresses); d.opened < want {
			return fmt.Errorf("%d of %d connections were opened", d.opened, want)
		}
		return nil
	}); err != nil {
		return err
	}
	return d.others(ctx)
}

// hold keeps a connection open, without a word, and opens another one when it is
// closed.
func (d *scarcity) hold(ctx context.Context, address string) {
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{Timeout: rig.RequestTimeout}).DialContext(ctx, "tcp", address)
		if err == nil {
			d.mu.Lock()
			d.opened++
			d.mu.Unlock()
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			for buffer := make([]byte, 512); err == nil; {
				_, err = conn.Read(buffer)
			}
			stop()
			conn.Close()
		}
		rig.Sleep(ctx, time.Second)
	}
}

// others ask both APIs from another address, each time over a new connection,
// and write.
func (d *scarcity) others(ctx context.Context) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}
	fresh := func(c *rig.Client) *rig.Client {
		return &rig.Client{Endpoint: c.Endpoint, HTTP: &http.Client{Timeout: rig.RequestTimeout, Transport: transport}}
	}
	pins, rest := fresh(d.peer.Pins), fresh(d.peer.Rest)
	for until := time.Now().Add(d.span); time.Now().Before(until); d.asked += 3 {
		begin := time.Now()
		s, err := pins.Post(ctx, rig.PinBody{CID: rig.InlineCID(fmt.Sprint("descriptors", d.written)), Name: "descriptors"})
		if err != nil {
			return err
		}
		d.written++
		if _, err := pins.Get(ctx, s.RequestID); err != nil {
			return err
		}
		if _, err := rest.Send(ctx, http.MethodGet, "/id", "", nil); err != nil {
			return err
		}
		took := time.Since(begin)
		if d.slowest = max(d.slowest, took); took > d.Bound(2*rig.AnswerBound) {
			return fmt.Errorf("three requests took %s", took)
		}
	}
	return nil
}

func (d *scarcity) logLines() int {
	text, err := os.ReadFile(d.peer.Folder.Log())
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte("\n")) - bytes.Count(text, []byte("\taudit\t")) // each write has its line
}
