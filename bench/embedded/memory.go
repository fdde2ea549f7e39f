package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

const (
	// neighbours is how many IPFS nodes are connected to the embedded one, as
	// on the public network.
	neighbours = 96
	// idleTime is how long the peers have nothing to do before they are
	// measured.
	idleTime = 30 * time.Second
	// noKubo is where nobody answers.
	noKubo = "/ip4/127.0.0.1/tcp/1"
)

// memory prints what the embedded node adds to an idle peer: two peers of the
// program run side by side, one with the node and one for a Kubo.
func memory(ctx context.Context, base, pinsvc string, out io.Writer) error {
	program := process.Program{Name: "pinsvc", Path: pinsvc}
	kubo, _, err := startPeer(ctx, program, filepath.Join(base, "peer-kubo"), process.Options{IPFS: noKubo})
	if err != nil {
		return err
	}
	defer kubo.Stop()
	inside, folder, err := startPeer(ctx, program, filepath.Join(base, "peer-embedded"), process.Options{})
	if err != nil {
		return err
	}
	defer inside.Stop()
	node, err := ipfsNode(ctx, folder)
	if err != nil {
		return err
	}
	for range neighbours {
		h, err := connectTo(ctx, node)
		if err != nil {
			return err
		}
		defer h.Close()
	}
	time.Sleep(idleTime)
	a, err := process.ReadMemory(inside.PID())
	if err != nil {
		return err
	}
	b, err := process.ReadMemory(kubo.PID())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "memory of an idle peer: embedded with %d connections %.1f MB, ipfshttp %.1f MB, %.1f MB more\n",
		neighbours, float64(a.Resident)/1e6, float64(b.Resident)/1e6, float64(a.Resident-b.Resident)/1e6)
	return nil
}

func startPeer(ctx context.Context, program process.Program, path string, o process.Options) (*process.Peer, *process.Folder, error) {
	folder, err := program.Init(ctx, path, o)
	if err != nil {
		return nil, nil, err
	}
	p, err := folder.Start(ctx, "")
	return p, folder, err
}

// ipfsNode asks the peer's REST API where its IPFS node is.
func ipfsNode(ctx context.Context, folder *process.Folder) (peer.AddrInfo, error) {
	api, err := folder.Endpoint("restapi")
	if err != nil {
		return peer.AddrInfo{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api.URL+"/id", nil)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	req.SetBasicAuth(api.User, api.Password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	defer res.Body.Close()
	var id struct {
		IPFS struct{ Addresses []string }
	}
	if err := json.NewDecoder(res.Body).Decode(&id); err != nil {
		return peer.AddrInfo{}, err
	}
	var addrs []ma.Multiaddr
	for _, text := range id.IPFS.Addresses {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return peer.AddrInfo{}, err
		}
		addrs = append(addrs, a)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil || len(infos) == 0 {
		return peer.AddrInfo{}, fmt.Errorf("the peer tells no address of its IPFS node: %w", err)
	}
	return infos[0], nil
}

func connectTo(ctx context.Context, node peer.AddrInfo) (host.Host, error) {
	h, err := libp2p.New(libp2p.NoListenAddrs)
	if err != nil {
		return nil, err
	}
	if err := h.Connect(ctx, node); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}
