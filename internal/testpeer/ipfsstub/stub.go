package ipfsstub

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Stub is a running stand-in. All methods are safe for concurrent use.
type Stub struct {
	id       peer.ID
	listener net.Listener
	server   *http.Server
	pins     pinset
	faults   faults

	mu       sync.Mutex
	blocks   map[string][]byte // by multihash
	requests map[string]int    // by endpoint
}

// Start listens on a free port of 127.0.0.1 and serves until Close. The stub
// has a peer ID of its own and no pins.
func Start() (*Stub, error) {
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("ipfsstub: %w", err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("ipfsstub: %w", err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("ipfsstub: %w", err)
	}
	s := &Stub{
		id: id, listener: listener,
		blocks: map[string][]byte{}, requests: map[string]int{},
	}
	s.server = &http.Server{Handler: s.handler()}
	go s.server.Serve(listener) // ends with Close
	return s, nil
}

// Close stops the stub and breaks what it was still answering.
func (s *Stub) Close() error {
	return s.server.Close()
}

// ID returns the peer ID that the stub claims to have.
func (s *Stub) ID() peer.ID {
	return s.id
}

// Multiaddr returns where the stub listens, as the key `node_multiaddress` of
// the section ipfshttp wants it.
func (s *Stub) Multiaddr() string {
	a, err := manet.FromNetAddr(s.listener.Addr())
	if err != nil {
		panic(err) // a TCP address always has one
	}
	return a.String()
}

// Pin makes CIDs pinned recursively, without a request.
func (s *Stub) Pin(cids ...cid.Cid) {
	s.pins.add(recursive, cids...)
}

// Unpin makes the stub forget a CID, as if somebody had unpinned it behind the
// peer's back.
func (s *Stub) Unpin(c cid.Cid) {
	s.pins.remove(c)
}

// Pinned tells whether a CID is pinned, in whatever mode.
func (s *Stub) Pinned(c cid.Cid) bool {
	_, ok := s.pins.get(c, recursive, direct)
	return ok
}

// Count returns the number of pins.
func (s *Stub) Count() int {
	return s.pins.len()
}

// Requests returns how many requests an endpoint got, e.g. "pin/add".
func (s *Stub) Requests(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[endpoint]
}

// handler counts the requests and applies the faults that concern all of them.
func (s *Stub) handler() http.Handler {
	mux := http.NewServeMux()
	for endpoint, handle := range s.routes() {
		mux.HandleFunc("POST "+prefix+endpoint, handle)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests[strings.TrimPrefix(r.URL.Path, prefix)]++
		s.mu.Unlock()
		if s.faults.isAway() {
			panic(http.ErrAbortHandler) // closes the connection
		}
		mux.ServeHTTP(w, r)
	})
}
