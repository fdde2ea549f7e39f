package pinset

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/adder"
	"github.com/ipfs-cluster/ipfs-cluster/adder/sharding"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	"github.com/ipfs-cluster/ipfs-cluster/state"
	libtest "github.com/ipfs-cluster/ipfs-cluster/test"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipns"
	"github.com/ipfs/boxo/namesys"
	"github.com/ipfs/boxo/path"
	"github.com/ipfs/boxo/path/resolver"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// kindOf returns the kind of a translated error.
func kindOf(err error) Kind {
	var e *Error
	if errors.As(Translate(err), &e) {
		return e.Kind
	}
	return KindInternal
}

// texts returns what clients of both APIs read of an error.
func texts(t *testing.T, err error) (details, native string) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, Translate(err), &e)
	return e.Details, e.NativeText()
}

// overRPC is an error that has crossed RPC: only its text is left.
func overRPC(err error) error { return errors.New(err.Error()) }

// The errors of the library's own Cluster, as its RPC returns them. An update that
// changes a text fails here.
func TestErrorsOfTheLibrarysCluster(t *testing.T) {
	c := func(i int) api.Cid { return api.NewCid(testCID(i)) }
	pin := func(i int, change func(*api.Pin)) api.Pin {
		p := api.PinWithOpts(c(i), api.PinOptions{ReplicationFactorMin: -1, ReplicationFactorMax: -1})
		if change != nil {
			change(&p)
		}
		return p
	}
	typed := func(i int, kind api.PinType) api.Pin {
		return pin(i, func(p *api.Pin) {
			p.Type = kind
			ref := c(99)
			p.Reference = &ref
		})
	}
	l := newLibrary(t, nil)
	follower := newLibrary(t, func(cfg *ipfscluster.Config) { cfg.FollowerMode = true })
	l.store(t, pin(1, nil), typed(2, api.MetaType), typed(3, api.ShardType), typed(4, api.ClusterDAGType))
	for name, tt := range map[string]struct {
		err             error
		kind            Kind
		details, native string // "": the error's own text
	}{
		"no such pin":   {l.call("Cluster", "PinGet", c(7)), KindNotFound, ErrNotFound.Details, ErrNotFound.Native},
		"follower mode": {follower.call("Cluster", "Pin", pin(1, nil)), KindReadOnly, ErrReadOnly.Details, ErrReadOnly.Details},
		"past expiry": {l.call("Cluster", "Pin", pin(5, func(p *api.Pin) { p.ExpireAt = time.Now().Add(-time.Hour) })),
			KindInvalid, "expire-at: it is in the past", "expire-at: it is in the past"},
		"minimum above maximum": {l.call("Cluster", "Pin", pin(5, func(p *api.Pin) { p.ReplicationFactorMin, p.ReplicationFactorMax = 3, 2 })),
			KindInvalid, badFactors, badFactors},
		"everywhere up to 2": {l.call("Cluster", "Pin", pin(5, func(p *api.Pin) { p.ReplicationFactorMin, p.ReplicationFactorMax = -1, 2 })),
			KindInvalid, badFactors, badFactors},
		"too few peers": {l.call("Cluster", "Pin", pin(5, func(p *api.Pin) { p.ReplicationFactorMin, p.ReplicationFactorMax = 2, 2 })),
			KindUnavailable, "too few peers can take this pin now", ""},
		"another type": {l.call("Cluster", "Pin", pin(2, nil)),
			KindInvalid, "cid: it belongs to a sharded pin and cannot be pinned by itself", ""},
		"direct after recursive": {l.call("Cluster", "Pin", pin(1, func(p *api.Pin) { p.Mode, p.MaxDepth = api.PinModeDirect, 0 })), KindInvalid, "", ""},
		"a shard by itself":      {l.call("Cluster", "Unpin", typed(3, api.ShardType)), KindInvalid, "", ""},
		"a DAG by itself":        {l.call("Cluster", "Unpin", typed(4, api.ClusterDAGType)), KindInvalid, "", ""},
		"update of a shard": {l.call("Cluster", "Pin", pin(6, func(p *api.Pin) { p.PinUpdate = c(3) })),
			KindInvalid, "", ""},
		"no CID": {l.call("Cluster", "Pin", api.Pin{}), KindInvalid, "cid: it is missing", "cid: it is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, tt.err)
			require.Equal(t, tt.kind, kindOf(tt.err), tt.err.Error())
			details, native := texts(t, tt.err)
			if tt.details == "" {
				tt.details = tt.err.Error()
			}
			if tt.native == "" {
				tt.native = tt.err.Error()
			}
			require.Equal(t, tt.details, details)
			require.Equal(t, tt.native, native)
			require.NotErrorIs(t, Translate(tt.err), ErrInternal)
		})
	}
	lost := l.call("Cluster", "Unpin", typed(2, api.MetaType))
	require.True(t, LostClusterDAG(lost), lost.Error())
	require.True(t, LostClusterDAG(Translate(lost)))
	require.False(t, LostClusterDAG(errors.New("no pin named clusterDAG")))
	require.False(t, LostClusterDAG(Unavailable("clusterDAG", nil)))
	require.False(t, LostClusterDAG(nil))

	require.NoError(t, l.cluster.Shutdown(t.Context()))
	_, err := l.cluster.PeerAdd(t.Context(), "")
	require.Equal(t, KindUnavailable, kindOf(overRPC(err)), "%v", err)
}

// Errors whose values the libraries export, alone, wrapped as their callers wrap
// them, and after RPC.
func TestErrorsOfOtherComponents(t *testing.T) {
	for _, tt := range []struct {
		err  error
		kind Kind
	}{
		{state.ErrNotFound, KindNotFound},
		{crdt.ErrRmPeer, KindInvalid},
		{fmt.Errorf("error batching item: %w", crdt.ErrMaxQueueSizeReached), KindUnavailable},
		{adder.ErrBlockAdder, KindUnavailable},
		{hraft.ErrNotLeader, KindUnavailable},
		{hraft.ErrLeader, KindUnavailable},
		{hraft.ErrLeadershipLost, KindUnavailable},
		{hraft.ErrLeadershipTransferInProgress, KindUnavailable},
		{hraft.ErrRaftShutdown, KindUnavailable},
		{fmt.Errorf("timed out waiting for leader: %w", context.DeadlineExceeded), KindUnavailable},
		{&resolver.ErrNoLink{Name: "leader", Node: testCID(1)}, KindNotFound},
		{namesys.ErrResolveFailed, KindNotFound},
		{ipns.ErrInvalidPath, KindInvalid},
		{ipld.ErrNotFound{Cid: testCID(1)}, KindUnavailable},
		{fmt.Errorf("block was not found locally (offline): %w", ipld.ErrNotFound{Cid: testCID(1)}), KindUnavailable},
		{&os.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}, KindDiskFull},
		{&os.PathError{Op: "write", Path: "/x", Err: syscall.EDQUOT}, KindDiskFull},
		{context.DeadlineExceeded, KindUnavailable},
		{fmt.Errorf("Cluster.Pin aborted: %w", context.Canceled), KindUnavailable},

		{ErrNotFound, KindNotFound},
		{ErrReadOnly, KindReadOnly},
		{fmt.Errorf("storing: %w", ErrTooLarge), KindTooLarge},
		{fmt.Errorf("%w: it takes 1048577 bytes", ErrTooLarge), KindTooLarge},
		{ErrNotVisible, KindUnavailable},
		{fmt.Errorf("storing: %w", DiskFull(`1 B is left for the folder "pebble"`)), KindDiskFull},
		{Unavailable("no Raft leader has taken the write", hraft.ErrNotLeader), KindUnavailable},
		{Unavailable("the peer is shutting down", context.Canceled), KindUnavailable},
		{Unavailable("the cluster is not ready", context.DeadlineExceeded), KindUnavailable},
	} {
		require.Equal(t, tt.kind, kindOf(tt.err), tt.err.Error())
		require.Equal(t, tt.kind, kindOf(overRPC(tt.err)), tt.err.Error())
	}
	_, err := path.NewPath("leader")
	require.Equal(t, KindInvalid, kindOf(overRPC(err)), err.Error())
	_, err = net.Dial("tcp", closedPort(t))
	require.Equal(t, KindUnavailable, kindOf(overRPC(err)), err.Error())
	name, err := path.NewPath("/ipns/shutting_down..")
	require.NoError(t, err)
	_, err = namesys.NewDNSResolver(func(context.Context, string) ([]string, error) { return nil, nil }).Resolve(t.Context(), name)
	require.Equal(t, KindInvalid, kindOf(overRPC(err)), err.Error())
	require.True(t, NotCompared(overRPC(ErrNotCompared)))
	require.False(t, NotCompared(nil))
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// A shard that no block fits into, as the library's sharder refuses it.
func TestErrorOfTheSharder(t *testing.T) {
	params := api.DefaultAddParams()
	params.ShardSize = 1
	dag := sharding.New(t.Context(), libtest.NewMockRPCClient(t), params, make(chan api.AddedOutput, 10))
	err := dag.Add(t.Context(), merkledag.NewRawNode([]byte("more than one byte")))
	require.Equal(t, KindInvalid, kindOf(overRPC(err)), "%v", err)
}

// What Kubo answers reaches a peer inside an error of the library's connector.
func TestErrorsOfKubo(t *testing.T) {
	var answer func(http.ResponseWriter)
	kubo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
	defer kubo.Close()
	cfg := &ipfshttp.Config{}
	require.NoError(t, cfg.Default())
	addr := kubo.Listener.Addr().(*net.TCPAddr)
	cfg.NodeAddr = multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", addr.Port))
	connector, err := ipfshttp.NewConnector(cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, connector.Shutdown(context.Background())) }()
	resolve := func() error {
		_, err := connector.Resolve(t.Context(), "/ipfs/"+testCID(1).String()+"/leader: shutting down")
		return overRPC(err)
	}
	say := func(message string) {
		answer = func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprintf(w, `{"Message":%q,"Code":0,"Type":"error"}`, message)
		}
	}
	for message, want := range map[string]Kind{
		`no link named "leader: shutting down" under ` + testCID(1).String():                  KindNotFound,
		"could not resolve name: routing: not found":                                          KindNotFound,
		`invalid path "/ipfs/x": invalid cid: selected encoding not supported`:                KindInvalid,
		`not a valid domain name: "leader"`:                                                   KindInvalid,
		"block was not found locally (offline): " + ipld.ErrNotFound{Cid: testCID(1)}.Error(): KindUnavailable,
		"context deadline exceeded":                                                           KindUnavailable,
		"leader":                                                                              KindInternal,
		"the file leader is not a valid one, and its owner is shutting down":                  KindInternal,
	} {
		say(message)
		err := resolve()
		require.Equal(t, want, kindOf(err), err.Error())
		if want == KindNotFound || want == KindInvalid {
			details, native := texts(t, err)
			require.Equal(t, message, details)
			require.Equal(t, err.Error(), native)
		}
	}
	answer = func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }
	require.Equal(t, KindUnavailable, kindOf(resolve()))
	kubo.Close()
	require.Equal(t, KindUnavailable, kindOf(resolve()), "connection refused")
}

// Words of a client in an unknown error do not decide what it is, nor do they in a
// known one.
func TestWordsOfClientsAreNotErrors(t *testing.T) {
	words := []string{
		"leader", "shutting down", "is shutdown", "not a valid", "no space left on device", "the disk is full", "storage limit reached",
		"could not find", "invalid path", "invalid cid", "connection refused", "context canceled", "context deadline exceeded",
		"clusterDAG", "cannot repin", "follower mode", state.ErrNotFound.Error(), ErrTooLarge.Details, notVisible,
		"of the path cannot be read", "no peer has delivered", "no peer has delivered the block", "cannot be looked up now",
	}
	for _, word := range words {
		for _, text := range []string{
			"pin named " + word + " is odd", "the meta " + word + "=" + word + " cannot be used", word + "s", "x" + word,
			`the name "` + word + `" is odd`, "/ipfs/" + testCID(1).String() + "/" + word + " has no type", "a " + word,
			"what follows " + word + " is odd: really", strings.ToUpper(word),
		} {
			if strings.HasPrefix(text, "invalid") || text == word {
				continue
			}
			require.Equal(t, KindInternal, kindOf(errors.New(text)), text)
			require.False(t, LostClusterDAG(errors.New(text)), text)
		}
		root := testCID(1)
		gone := fmt.Errorf("resolving /ipfs/%s/%s: no link named %q under %s: %w", root, word, word, root, merkledag.ErrLinkNotFound)
		require.Equal(t, KindNotFound, kindOf(overRPC(gone)), gone.Error())
		odd := fmt.Errorf("resolving /ipfs/%s/%s: block %s of the path cannot be read: %w", root, word, root, errors.New("proto"))
		require.Equal(t, KindInvalid, kindOf(overRPC(odd)), odd.Error())
		late := fmt.Errorf("resolving /ipfs/%s/%s: no peer has delivered the blocks of the path within 1m0s, at %s: %w", root, word, root, context.DeadlineExceeded)
		require.Equal(t, KindUnavailable, kindOf(overRPC(late)), late.Error())
		require.Equal(t, late.Error(), second(texts(t, overRPC(late))))
		refused := fmt.Errorf("could not resolve name /ipns/%s: %w", word, errors.New("routing: not found"))
		require.Equal(t, KindNotFound, kindOf(overRPC(refused)), refused.Error())
	}
}

func second(_, b string) string { return b }

// Every kind has a sentinel.
func TestSentinels(t *testing.T) {
	all := []*Error{ErrInternal, ErrInvalid, ErrNotFound, ErrReadOnly, ErrTooLarge, ErrUnavailable, ErrDiskFull}
	for i, e := range all {
		require.EqualValues(t, i, e.Kind)
		wrapped := fmt.Errorf("wrapped: %w", &Error{Kind: e.Kind, Details: "another text", Cause: errors.New("why")})
		for _, other := range all {
			require.Equal(t, other == e, errors.Is(wrapped, other))
		}
	}
	require.ErrorIs(t, Invalid("name", "%d", 1), ErrInvalid)
	require.EqualError(t, Invalid("name", "%d", 1), "name: 1")
	require.ErrorIs(t, NotFound("x"), ErrNotFound)
	require.ErrorIs(t, TooLarge("x", nil), ErrTooLarge)
	require.ErrorIs(t, Unavailable("x", nil), ErrUnavailable)
	require.ErrorIs(t, DiskFull("x"), ErrDiskFull)
	require.NoError(t, Translate(nil))
	unknown := errors.New("something else")
	require.Equal(t, unknown, Translate(unknown))
	require.Equal(t, error(ErrTooLarge), Translate(fmt.Errorf("x: %w", ErrTooLarge)))
}

// No row matches in the middle of a word or a sentence.
func TestEveryPatternIsAnchored(t *testing.T) {
	for _, row := range translations {
		expr := row.text.String()
		require.True(t, strings.HasPrefix(expr, "^") || strings.HasPrefix(expr, "(?s)^") || strings.HasPrefix(expr, "(?:^|: )"), expr)
	}
}
