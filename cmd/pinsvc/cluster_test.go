package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/ipfsstub"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// ours and theirs are the two programs that can run a folder.
func ours(t *testing.T) process.Program {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	return process.Program{Name: "pinsvc", Path: path}
}

func theirs(t *testing.T) process.Program {
	t.Helper()
	return process.Program{Name: "ipfs-cluster-service", Path: service(t, "ipfs-cluster-service")}
}

// node is a folder with an IPFS node of its own, and the daemon on it.
type node struct {
	t      *testing.T
	folder *process.Folder
	ipfs   *ipfsstub.Stub
	daemon *process.Peer
	rest   process.Endpoint
	pins   process.Endpoint
}

// newNode makes a folder with a program's init.
func newNode(t *testing.T, p process.Program, o process.Options) *node {
	t.Helper()
	stub, err := ipfsstub.Start()
	require.NoError(t, err)
	t.Cleanup(func() { stub.Close() })
	o.IPFS = stub.Multiaddr()
	n := &node{t: t, ipfs: stub}
	n.folder, err = p.Init(t.Context(), filepath.Join(t.TempDir(), "peer"), o)
	require.NoError(t, err)
	n.rest, err = n.folder.Endpoint("restapi")
	require.NoError(t, err)
	n.pins, err = n.folder.Endpoint("pinsvcapi")
	require.NoError(t, err)
	t.Cleanup(n.kill)
	return n
}

// start runs a program's daemon, which joins the peers of other nodes.
func (n *node) start(p process.Program, others ...*node) {
	n.t.Helper()
	var addresses []string
	for _, o := range others {
		a, err := o.folder.Multiaddr()
		require.NoError(n.t, err)
		addresses = append(addresses, a)
	}
	var err error
	n.daemon, err = n.folder.With(p).Start(n.t.Context(), strings.Join(addresses, ","))
	require.NoError(n.t, err)
}

func (n *node) stop() {
	n.t.Helper()
	n.daemon.Stop()
	require.Zero(n.t, n.daemon.ExitCode())
	n.daemon = nil
}

func (n *node) kill() {
	if n.daemon != nil {
		n.daemon.Stop()
	}
}

// do sends a request to the Pinning Service API.
func (n *node) do(method, path, body string) (int, string, error) {
	r, err := http.NewRequest(method, n.pins.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if n.pins.User != "" {
		r.SetBasicAuth(n.pins.User, n.pins.Password)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// pin pins with the Pinning Service API.
func (n *node) pin(c, name string) {
	n.t.Helper()
	status, text, err := n.do(http.MethodPost, "/pins", fmt.Sprintf(`{"cid":%q,"name":%q}`, c, name))
	require.NoError(n.t, err)
	require.Equal(n.t, http.StatusAccepted, status, text)
}

// get returns a pin of the Pinning Service API, nothing when it is not there.
func (n *node) get(c string) stored {
	status, text, err := n.do(http.MethodGet, "/pins/"+c, "")
	if err != nil || status != http.StatusOK {
		return stored{}
	}
	var answer struct {
		Created string
		Pin     struct{ Name string }
	}
	_ = json.Unmarshal([]byte(text), &answer)
	return stored{answer.Pin.Name, answer.Created}
}

// has waits until the node has a pin of that name.
func (n *node) has(c, name string) {
	n.t.Helper()
	require.Eventually(n.t, func() bool { return n.get(c).name == name }, patient, 20*time.Millisecond, "%s %q", c, name)
}

// ctl runs ipfs-cluster-ctl.
func (n *node) ctl(args ...string) string {
	n.t.Helper()
	host := strings.TrimPrefix(n.rest.URL, "http://")
	ip, port, _ := strings.Cut(host, ":")
	all := []string{"--host", "/ip4/" + ip + "/tcp/" + port}
	if n.rest.User != "" {
		all = append(all, "--force-http", "--basic-auth", n.rest.User+":"+n.rest.Password)
	}
	cmd := exec.CommandContext(n.t.Context(), service(n.t, "ipfs-cluster-ctl"), append(all, args...)...)
	var errs output
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(n.t, err, errs.String())
	return string(out)
}

// ctlPin is a pin as ctl shows it in JSON.
type ctlPin struct {
	CID      string
	Name     string
	Metadata map[string]string
}

// ctlPins is the whole pinset by ctl.
func (n *node) ctlPins() map[string]ctlPin {
	n.t.Helper()
	all := map[string]ctlPin{}
	for dec := json.NewDecoder(strings.NewReader(n.ctl("--encoding", "json", "pin", "ls"))); ; {
		var p ctlPin
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else {
			require.NoError(n.t, err)
		}
		all[p.CID] = p
	}
}

// export is what `state export` of a program prints, in an order.
func (n *node) export(p process.Program) []string {
	n.t.Helper()
	out, err := n.folder.With(p).Output(n.t.Context(), "state", "export")
	require.NoError(n.t, err)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// settings is service.json, byte for byte.
func (n *node) settings() string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.folder.Path(), "service.json"))
	require.NoError(n.t, err)
	return string(text)
}

// everything lists all pins by our daemon: names by CID.
func (n *node) everything() map[string]string {
	n.t.Helper()
	names := map[string]string{}
	for c, pin := range allPins(n.t, n) {
		names[c] = pin.name
	}
	return names
}

func decodeCID(t *testing.T, text string) cid.Cid {
	t.Helper()
	c, err := cid.Decode(text)
	require.NoError(t, err)
	return c
}
