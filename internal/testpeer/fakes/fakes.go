// Package fakes has what tests of several components share: a state and an IPFS node in
// memory, and pins.
package fakes

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	"github.com/ipfs-cluster/ipfs-cluster/test"
	"github.com/ipfs/go-cid"
	logging "github.com/ipfs/go-log/v2"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

var (
	Self  = test.PeerID1
	Other = test.PeerID2
)

// Bubble runs a subtest on a clock of its own, which jumps when everything
// waits.
func Bubble(t *testing.T, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// CID returns one of as many CIDs as a test needs.
func CID(i int) api.Cid {
	mh, err := multihash.Sum(fmt.Append(nil, "content ", i), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return api.NewCid(cid.NewCidV1(cid.Raw, mh))
}

// Pin returns a pin that every peer has to pin.
func Pin(i int, name string) api.Pin {
	return api.PinWithOpts(CID(i), api.PinOptions{
		Name: name, ReplicationFactorMin: -1, ReplicationFactorMax: -1,
	})
}

// RemotePin returns a pin that another peer has to pin.
func RemotePin(i int) api.Pin {
	pin := Pin(i, "remote")
	pin.ReplicationFactorMin, pin.ReplicationFactorMax = 1, 1
	pin.Allocations = []peer.ID{Other}
	return pin
}

// State is a state in memory. As the real one, it stores whole seconds.
type State struct {
	Mu   sync.Mutex
	Pins map[api.Cid]api.Pin
	Fail error
}

func NewState(pins ...api.Pin) *State {
	s := &State{Pins: make(map[api.Cid]api.Pin)}
	for _, p := range pins {
		s.Put(p)
	}
	return s
}

// Local returns the state itself, or the error Fail.
func (s *State) Local(context.Context) (state.ReadOnly, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s, s.Fail
}

// AsStored returns a pin as it comes back from a real state.
func AsStored(p api.Pin) api.Pin {
	b, err := p.ProtoMarshal()
	if err != nil {
		panic(err)
	}
	var stored api.Pin
	if err := stored.ProtoUnmarshal(b); err != nil {
		panic(err)
	}
	return stored
}

func (s *State) Put(p api.Pin) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Pins[p.Cid] = AsStored(p)
}

func (s *State) Rm(c api.Cid) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	delete(s.Pins, c)
}

func (s *State) Get(_ context.Context, c api.Cid) (api.Pin, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if p, ok := s.Pins[c]; ok {
		return p, nil
	}
	return api.Pin{}, state.ErrNotFound
}

func (s *State) Has(ctx context.Context, c api.Cid) (bool, error) {
	_, err := s.Get(ctx, c)
	return err == nil, nil
}

func (s *State) List(_ context.Context, out chan<- api.Pin) error {
	defer close(out)
	s.Mu.Lock()
	pins := slices.Collect(maps.Values(s.Pins))
	s.Mu.Unlock()
	for _, p := range pins {
		out <- p
	}
	return nil
}

// Changed does something to a CID of the state and returns what it was.
func (s *State) Changed(c api.Cid, do func()) pinset.Change {
	existed, _ := s.Has(context.Background(), c)
	do()
	pin, _ := s.Get(context.Background(), c)
	return pinset.Change{CID: c, Pin: pin, Existed: existed}
}

// errRefused is what an HTTP client returns when nobody listens.
var errRefused error = &url.Error{Op: "Post", Err: syscall.ECONNREFUSED}

// RequestTimeout is after what time the library gives up a request.
const RequestTimeout = 5 * time.Minute

// IPFS is a connector whose node can be away, stopping or frozen.
type IPFS struct {
	ipfscluster.IPFSConnector // what is not faked panics

	mu      sync.Mutex
	Pins    map[api.Cid]api.IPFSPinStatus
	Mode    string // "" is well
	Fail    error  // of every request but ID
	Breaks  bool   // pin requests end early, as if they had succeeded
	Hangs   func(api.Pin) bool
	asked   map[string]int
	Stopped bool
}

func NewIPFS() *IPFS {
	return &IPFS{Pins: make(map[api.Cid]api.IPFSPinStatus), asked: make(map[string]int)}
}

func (f *IPFS) Set(edit func(*IPFS)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func (f *IPFS) Count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[what]
}

// request is what is common to all requests.
func (f *IPFS) request(ctx context.Context, what string) error {
	f.mu.Lock()
	f.asked[what]++
	mode, fail := f.Mode, f.Fail
	f.mu.Unlock()
	switch {
	case mode == "away":
		return errRefused
	case mode == "frozen":
		ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
		defer cancel()
		<-ctx.Done()
		return ctx.Err()
	case what != "id":
		return fail
	}
	return nil
}

func (f *IPFS) SetClient(*rpc.Client) {}

func (f *IPFS) ID(ctx context.Context) (api.IPFSID, error) {
	return api.IPFSID{ID: Other}, f.request(ctx, "id")
}

func (f *IPFS) PinLsCid(ctx context.Context, p api.Pin) (api.IPFSPinStatus, error) {
	if err := f.request(ctx, "ls"); err != nil {
		return api.IPFSPinStatusError, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.Pins[p.Cid]; ok {
		return s, nil
	}
	return api.IPFSPinStatusUnpinned, nil
}

func (f *IPFS) Pin(ctx context.Context, p api.Pin) error {
	if err := f.request(ctx, "pin"); err != nil {
		return err
	}
	f.mu.Lock()
	hangs := f.Hangs != nil && f.Hangs(p) && f.Pins[p.Cid] == 0
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.Breaks {
		f.Pins[p.Cid] = p.Mode.ToIPFSPinStatus()
	}
	return nil
}

func (f *IPFS) Unpin(ctx context.Context, c api.Cid) error {
	if err := f.request(ctx, "unpin"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.Pins, c)
	return nil
}

// PinLs lists the first type only, as the library does.
func (f *IPFS) PinLs(ctx context.Context, types []string, out chan<- api.IPFSPinInfo) error {
	defer close(out)
	if err := f.request(ctx, "list"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for c, s := range f.Pins {
		if s.String() == types[0] {
			out <- api.IPFSPinInfo{Cid: c, Type: s}
		}
	}
	return nil
}

func (f *IPFS) Shutdown(context.Context) error {
	f.Set(func(f *IPFS) { f.Stopped = true })
	return nil
}

// Logged returns what is logged, as warnings and above, during a call.
func Logged(t *testing.T, during func()) string {
	t.Helper()
	require.NoError(t, logging.SetLogLevel("pinsvc", "warn"))
	pipe := logging.NewPipeReader()
	written := make(chan string)
	go func() {
		text, _ := io.ReadAll(pipe)
		written <- string(text)
	}()
	during()
	require.NoError(t, pipe.Close())
	return <-written
}

// InMemory is what an API asks for to learn what is not pinned.
const InMemory = api.TrackerStatusPinQueued | api.TrackerStatusPinning | api.TrackerStatusPinError |
	api.TrackerStatusUnpinQueued | api.TrackerStatusUnpinning | api.TrackerStatusUnpinError

// After lets time pass and everything come to rest.
func After(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
