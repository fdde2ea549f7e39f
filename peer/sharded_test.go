package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/consensus"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// added is what the REST API says of an upload.
type added struct {
	status int
	lines  []addedLine
}

type addedLine struct {
	Name    string
	Cid     *api.Cid
	Code    int
	Message string
}

// upload sends files to the REST API.
func upload(t *testing.T, p *Peer, query string, contents ...[]byte) (a added) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i, content := range contents {
		part, err := form.CreateFormFile("file", fmt.Sprintf("file%d", i))
		require.NoError(t, err)
		_, err = part.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, form.Close())
	var status int
	status, text := requestForm(t, p, "/add?"+query, form.FormDataContentType(), &body)
	a.status = status
	for dec := json.NewDecoder(strings.NewReader(text)); ; {
		var line addedLine
		err := dec.Decode(&line)
		if err == io.EOF {
			return a
		}
		require.NoError(t, err, text)
		a.lines = append(a.lines, line)
	}
}

func requestForm(t *testing.T, p *Peer, path, contentType string, body io.Reader) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url(t, p, "api.restapi")+path, body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", contentType)
	r.SetBasicAuth(settings.DefaultUser, p.settings.Pinsvcapi.Value().BasicAuthCredentials[settings.DefaultUser])
	resp, err := http.DefaultClient.Do(r)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) { // refused before it was read
		return 0, ""
	}
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// addSharded adds data in shards and returns its root.
func addSharded(t *testing.T, p *Peer, name, query string, data []byte) cid.Cid {
	t.Helper()
	var a added
	require.Eventually(t, func() bool { // until the peers know each other's free space
		a = upload(t, p, "raw-leaves=true&cid-version=1&name="+name+query+"&shard=true&shard-size=1000000", data)
		return a.status == http.StatusOK
	}, patient, 50*time.Millisecond, "%v", a.lines)
	for _, l := range a.lines {
		if l.Name == "file0" {
			return l.Cid.Cid
		}
	}
	require.Fail(t, "no root", "%v", a.lines)
	return cid.Undef
}

// entries returns the pins of the state that have some of the types.
func entries(t *testing.T, p *Peer, types api.PinType) map[cid.Cid]api.Pin {
	t.Helper()
	st, err := p.local.State(t.Context())
	require.NoError(t, err)
	out := make(chan api.Pin, 1000)
	require.NoError(t, st.List(t.Context(), out))
	all := make(map[cid.Cid]api.Pin)
	for pin := range out {
		if pin.Type&types != 0 {
			all[pin.Cid.Cid] = pin
		}
	}
	return all
}

// requireReads reads a file of raw leaves below one node from the peer's IPFS
// node.
func requireReads(t *testing.T, p *Peer, root cid.Cid, data []byte) {
	t.Helper()
	raw, err := p.node.BlockGet(t.Context(), api.NewCid(root))
	require.NoError(t, err)
	node, err := merkledag.DecodeProtobuf(raw)
	require.NoError(t, err)
	var got []byte
	for _, l := range node.Links() {
		leaf, err := p.node.BlockGet(t.Context(), api.NewCid(l.Cid))
		require.NoError(t, err)
		got = append(got, leaf...)
	}
	require.True(t, bytes.Equal(data, got))
}

const parts = api.ShardType | api.ClusterDAGType

func TestSharedShardsStay(t *testing.T) {
	p := startEmbedded(t)
	data := noise(t, "shared", 6_000_000)
	a := addSharded(t, p, "A", "", data[:3_000_000])
	onlyA := entries(t, p, parts)
	b := addSharded(t, p, "B", "", data)
	require.Less(t, len(entries(t, p, parts)), 2*len(onlyA)+2, "they share shards")
	requirePinned(t, p, a)
	requirePinned(t, p, b)

	code, text := requestOf(t, p, "api.restapi", http.MethodDelete, "/pins/"+a.String(), "")
	require.Equal(t, http.StatusOK, code, text)
	code, text = requestOf(t, p, "api.restapi", http.MethodPost, "/ipfs/gc", "")
	require.Equal(t, http.StatusOK, code, text)
	requirePinned(t, p, b)
	requireReads(t, p, b, data)

	code, text = request(t, p, http.MethodDelete, "/pins/"+b.String(), "")
	require.Equal(t, http.StatusAccepted, code, text)
	require.Empty(t, entries(t, p, api.AllType), "nothing is left")
	require.Eventually(t, func() bool { return len(listPins(t, p)) == 0 }, patient, 10*time.Millisecond)
}

// drop removes a part from the state, as an older peer does.
func drop(t *testing.T, p *Peer, c cid.Cid) {
	t.Helper()
	require.NoError(t, p.local.consensus.(*consensus.Consensus).Consensus.LogUnpin(t.Context(), api.PinCid(api.NewCid(c))))
	require.Eventually(t, func() bool {
		_, ok := entries(t, p, parts)[c]
		return !ok
	}, patient, time.Millisecond)
}

// clusterStatus returns what the REST API says of the only peer's status.
func clusterStatus(t *testing.T, p *Peer, path, method string) (status, message string) {
	t.Helper()
	code, text := requestOf(t, p, "api.restapi", method, path, "")
	require.Equal(t, http.StatusOK, code, text)
	var info api.GlobalPinInfo
	require.NoError(t, json.Unmarshal([]byte(text), &info))
	require.Len(t, info.PeerMap, 1, text)
	for _, one := range info.PeerMap {
		return one.Status.String(), one.Error
	}
	return "", ""
}

// count returns how many pins of a status the Pinning Service API counts.
func count(t *testing.T, p *Peer, status string) int {
	t.Helper()
	code, text := request(t, p, http.MethodGet, "/pins?status="+status, "")
	require.Equal(t, http.StatusOK, code, text)
	var list struct {
		Count   int
		Results []json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	require.Len(t, list.Results, list.Count)
	return list.Count
}

var partKinds = map[string]api.PinType{"shards": api.ShardType, "cluster DAG": api.ClusterDAGType, "both": parts}

func TestMissingPartsAreSeenAndRecovered(t *testing.T) {
	for name, kind := range partKinds {
		t.Run(name, func(t *testing.T) {
			p := startEmbedded(t)
			data := noise(t, "missing", 3_000_000)
			root := addSharded(t, p, "A", "", data)
			requirePinned(t, p, root)
			status, _ := clusterStatus(t, p, "/pins/"+root.String(), http.MethodGet)
			require.Equal(t, "sharded", status)
			p.shards.Close() // nobody pins them again by itself

			for c := range entries(t, p, kind) {
				drop(t, p, c)
			}
			s := get(t, p, root)
			require.Equal(t, "queued", s.Status)
			require.Contains(t, s.Info["status_details"], "not in the pinset")
			status, message := clusterStatus(t, p, "/pins/"+root.String(), http.MethodGet)
			require.Equal(t, "pin_queued", status)
			require.Contains(t, message, "not in the pinset")
			require.Eventually(t, func() bool { return count(t, p, "pinned") == 0 && count(t, p, "queued") == 1 }, patient, 10*time.Millisecond)
			for _, filter := range []string{"sharded", "pin_queued", "pinned", "pin_queued,pinned"} {
				code, text := requestOf(t, p, "api.restapi", http.MethodGet, "/pins?filter="+filter, "")
				require.Less(t, code, 300, text)
				require.Equal(t, strings.HasPrefix(filter, "pin_queued"), strings.Contains(text, root.String()), "%s: %s", filter, text)
			}
		})
	}
}

func TestRecoverBringsPartsBack(t *testing.T) {
	for _, by := range []string{"recover", "recover all", "itself"} {
		for name, kind := range partKinds {
			t.Run(by+" "+name, func(t *testing.T) {
				p := startEmbedded(t)
				data := noise(t, "missing", 3_000_000)
				root := addSharded(t, p, "A", "", data)
				requirePinned(t, p, root)
				all := entries(t, p, parts)
				for c := range entries(t, p, kind) {
					drop(t, p, c)
				}
				switch by {
				case "recover":
					clusterStatus(t, p, "/pins/"+root.String()+"/recover", http.MethodPost)
				case "recover all":
					code, text := requestOf(t, p, "api.restapi", http.MethodPost, "/pins/recover", "")
					require.Less(t, code, 300, text)
				}
				requirePinned(t, p, root)
				now := entries(t, p, parts)
				for c, was := range all {
					is := now[c]
					require.Equal(t, was.Type, is.Type)
					require.Equal(t, was.MaxDepth, is.MaxDepth)
					require.Equal(t, was.Name, is.Name)
					require.Equal(t, was.ReplicationFactorMin, is.ReplicationFactorMin)
				}
				require.Len(t, now, len(all))
				requireReads(t, p, root, data)
				status, _ := clusterStatus(t, p, "/pins/"+root.String(), http.MethodGet)
				require.Equal(t, "sharded", status)
			})
		}
	}
}

// A sharded add that is refused at its end, or broken off, leaves no parts behind,
// and takes none away from others.
func TestFailedAddLeavesNothing(t *testing.T) {
	p := startEmbedded(t)
	data := noise(t, "failed", 4_000_000)
	kept := addSharded(t, p, "kept", "", data[:2_000_000])
	before := entries(t, p, api.AllType)

	t.Run("its root is pinned already", func(t *testing.T) {
		plain := upload(t, p, "raw-leaves=true&cid-version=1&name=plain", data)
		require.Equal(t, http.StatusOK, plain.status)
		refused := upload(t, p, "shard=true&shard-size=1000000&raw-leaves=true&cid-version=1&name=x", data)
		require.Equal(t, http.StatusBadRequest, refused.lines[len(refused.lines)-1].Code)
		require.Contains(t, refused.lines[len(refused.lines)-1].Message, "cannot repin")
		code, _ := request(t, p, http.MethodDelete, "/pins/"+plain.lines[0].Cid.String(), "")
		require.Equal(t, http.StatusAccepted, code)
		require.Equal(t, cidsOf(before), cidsOf(entries(t, p, api.AllType)))
	})
	t.Run("the client goes away", func(t *testing.T) {
		body, send := io.Pipe()
		form := multipart.NewWriter(send)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url(t, p, "api.restapi")+"/add?shard=true&shard-size=1000000&raw-leaves=true&cid-version=1&name=x", body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", form.FormDataContentType())
		r.SetBasicAuth(settings.DefaultUser, p.settings.Pinsvcapi.Value().BasicAuthCredentials[settings.DefaultUser])
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp, err := http.DefaultClient.Do(r); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
		part, err := form.CreateFormFile("file", "file0")
		require.NoError(t, err)
		_, err = part.Write(data)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return len(entries(t, p, parts)) > len(before) }, patient, time.Millisecond)
		cancel()
		_ = send.CloseWithError(context.Canceled)
		<-done
		require.Eventually(t, func() bool {
			return maps.Equal(cidsOf(before), cidsOf(entries(t, p, api.AllType)))
		}, patient, 10*time.Millisecond)
	})
	requirePinned(t, p, kept)
	requireReads(t, p, kept, data[:2_000_000])
}

func cidsOf(pins map[cid.Cid]api.Pin) map[cid.Cid]bool {
	all := make(map[cid.Cid]bool, len(pins))
	for c := range pins {
		all[c] = true
	}
	return all
}

// A root whose cluster DAG changes gives its old one up.
func TestOtherShardSize(t *testing.T) {
	p := startEmbedded(t)
	data := noise(t, "sizes", 3_000_000)
	root := addSharded(t, p, "A", "", data)
	old := entries(t, p, parts)
	require.Equal(t, root, addSharded(t, p, "A", "&shard-size=2000000", data))
	now := entries(t, p, parts)
	require.Len(t, now, 3, "two shards and their cluster DAG")
	require.Len(t, old, 5)
	requirePinned(t, p, root)
	requireReads(t, p, root, data)
}

// Pins of shards have no expiry, and the largest replication factors that a root
// wants.
func TestSharedShardsKeepWhatTheOtherPinNeeds(t *testing.T) {
	p := startEmbedded(t)
	data := noise(t, "expiry", 2_000_000)
	addSharded(t, p, "everywhere", "", data[:1_500_000])
	require.Eventually(t, func() bool { // the peer has to know how much space it has
		return upload(t, p, "replication=1&no-pin=true", []byte("x")).status == http.StatusOK
	}, patient, 50*time.Millisecond)
	addSharded(t, p, "soon", "&expire-in=24h&replication-min=1&replication-max=1", data)
	for c, pin := range entries(t, p, parts) {
		require.True(t, pin.ExpireAt.IsZero(), "%s", c)
		if pin.Name == "soon-shard-0" {
			require.Equal(t, -1, pin.ReplicationFactorMin)
		}
	}
	for _, pin := range entries(t, p, api.MetaType) {
		require.Equal(t, pin.Name == "soon", !pin.ExpireAt.IsZero())
		require.NotContains(t, pin.Metadata, "pinsvc-add")
	}
}

// A root whose cluster DAG is lost can be removed.
func TestRootWithoutClusterDAG(t *testing.T) {
	for _, section := range []string{"api.restapi", "api.pinsvcapi"} {
		t.Run(section, func(t *testing.T) {
			p := startEmbedded(t)
			root := addSharded(t, p, "A", "", noise(t, "lost", 2_000_000))
			for c := range entries(t, p, api.ClusterDAGType) {
				drop(t, p, c)
			}
			code, text := requestOf(t, p, section, http.MethodDelete, "/pins/"+root.String(), "")
			require.Less(t, code, 300, text)
			require.Empty(t, entries(t, p, api.AllType))
		})
	}
}

// An upload that does not fit into the IPFS node is an error, and no CID.
func TestAddToAFullNode(t *testing.T) {
	t.Setenv("CLUSTER_EMBEDDED_STORAGEMAX", "20MB")
	p := startEmbedded(t)
	data := noise(t, "full", 60_000_000)
	for _, query := range []string{"", "shard=true&shard-size=1000000&name=x"} {
		a := upload(t, p, query, data)
		last := a.lines[len(a.lines)-1]
		require.Equal(t, http.StatusServiceUnavailable, last.Code)
		require.Contains(t, last.Message, "the disk is full")
		for _, l := range a.lines {
			require.NotEqual(t, "file0", l.Name)
		}
		require.Empty(t, entries(t, p, api.AllType))
	}
}

func TestAddPinsEachFile(t *testing.T) {
	p := startEmbedded(t)
	a := upload(t, p, "", []byte("one"), []byte("two"), noise(t, "three", 1_000_000))
	require.Equal(t, http.StatusOK, a.status)
	require.Len(t, a.lines, 3)
	for _, l := range a.lines {
		requirePinned(t, p, l.Cid.Cid)
	}
	require.Len(t, entries(t, p, api.AllType), 3)
}

// A pin update keeps what it does not say, and needs a pin to begin with.
func TestPinUpdate(t *testing.T) {
	p := startEmbedded(t)
	var first added
	require.Eventually(t, func() bool { // the peer has to know how much space it has
		first = upload(t, p, "name=old&meta-k=v&replication-min=1&replication-max=1&expire-in=24h", []byte("one"))
		return first.status == http.StatusOK
	}, patient, 50*time.Millisecond)
	a := first.lines[0].Cid.Cid
	b := upload(t, p, "no-pin=true", []byte("two")).lines[0].Cid.Cid
	pin := func(query string) int {
		code, _ := requestOf(t, p, "api.restapi", http.MethodPost, "/pins/"+query, "")
		return code
	}
	before := entries(t, p, api.AllType)[a]
	require.Equal(t, http.StatusOK, pin(a.String()+"?pin-update="+a.String()))
	after := entries(t, p, api.AllType)[a]
	require.True(t, before.PinOptions.Equals(after.PinOptions), "%v %v", before, after)
	require.Equal(t, before.Allocations, after.Allocations)

	require.Equal(t, http.StatusOK, pin(a.String()+"?name=new&meta-l=w&pin-update="+a.String()))
	after = entries(t, p, api.AllType)[a]
	require.Equal(t, "new", after.Name)
	require.Equal(t, "v", after.Metadata["k"])
	require.Equal(t, "w", after.Metadata["l"])
	require.Equal(t, 1, after.ReplicationFactorMax)
	require.Equal(t, before.ExpireAt, after.ExpireAt)

	require.Equal(t, http.StatusOK, pin(b.String()+"?meta-m=x&pin-update="+a.String()))
	other := entries(t, p, api.AllType)[b]
	require.Equal(t, "new", other.Name)
	require.Equal(t, "x", other.Metadata["m"])
	require.Equal(t, before.ExpireAt, other.ExpireAt)

	unknown := newCID(t, "unknown")
	require.Equal(t, http.StatusNotFound, pin(unknown.String()+"?pin-update="+unknown.String()))
	require.Equal(t, http.StatusNotFound, pin(b.String()+"?pin-update="+unknown.String()))
	expired := after
	expired.ExpireAt = time.Now().Add(-time.Hour)
	require.NoError(t, p.local.consensus.LogPin(t.Context(), expired))
	for _, to := range []cid.Cid{a, b, unknown} {
		require.Equal(t, http.StatusNotFound, pin(to.String()+"?name=x&pin-update="+a.String()))
	}
	require.NotContains(t, entries(t, p, api.AllType), unknown)
}

// Two peers remove and add pins that share shards at the same time. What is left
// is whole in the end, at both, and nothing else is.
func TestRemovalsAndAddsAtTheSameTime(t *testing.T) {
	testfolder.Isolate(t)
	t.Setenv("CLUSTER_SECRET", strings.Repeat("ab", 32))
	one := startEmbedded(t)
	two := startPeer(t, Options{
		Folder:    newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded}),
		Bootstrap: []multiaddr.Multiaddr{multiaddr.StringCast(url(t, one, "cluster"))},
	})
	knowEachOther := func() bool {
		a, errA := one.local.Peers(t.Context())
		b, errB := two.local.Peers(t.Context())
		return errA == nil && errB == nil && len(a) == 2 && len(b) == 2
	}
	require.Eventually(t, knowEachOther, 2*patient, 50*time.Millisecond)
	data := noise(t, "race", 4_000_000)
	var last cid.Cid
	for i := range 3 {
		a := addSharded(t, one, "A", "", data[:2_000_000+i])
		var b cid.Cid
		done := make(chan struct{})
		go func() {
			defer close(done)
			b = addSharded(t, two, "B", "", data[:4_000_000-i])
		}()
		code, text := requestOf(t, one, "api.restapi", http.MethodDelete, "/pins/"+a.String(), "")
		require.Equal(t, http.StatusOK, code, text)
		<-done
		last = b
	}
	for _, p := range []*Peer{one, two} {
		require.Eventually(t, func() bool {
			code, text := request(t, p, http.MethodGet, "/pins/"+last.String(), "")
			return code == http.StatusOK && parseStatus(t, text).Status == "pinned"
		}, 2*patient, 50*time.Millisecond)
		require.Len(t, entries(t, p, api.MetaType), 3)
	}
	root := entries(t, one, api.MetaType)[last]
	shards, err := one.shards.Check(t.Context(), root.Cid)
	require.NoError(t, err)
	require.Empty(t, shards.Lack)
	requireReads(t, two, last, data[:4_000_000-2])
}
