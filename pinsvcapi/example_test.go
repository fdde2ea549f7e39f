package pinsvcapi_test

import (
	"context"
	"fmt"
	"net/http"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// A peer of one's own gets a Pinning Service API by handing the component to
// ipfscluster.NewCluster, beside the library's own APIs.
func ExampleNew() {
	cfg := pinsvcapi.DefaultConfig()
	cfg.HTTPListenMultiaddress = config.Multiaddrs{multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")}
	cfg.BasicAuthCredentials = map[string]string{"alice": "a long random password"}

	api, err := pinsvcapi.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := api.Listen(); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = api.Shutdown(context.Background()) }()

	// This list is the eighth argument of ipfscluster.NewCluster, which gives
	// the component its RPC client.
	apis := []ipfscluster.API{api}

	req, err := http.NewRequest(http.MethodGet, api.URLs()[0]+"/pins", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.SetBasicAuth("alice", "a long random password")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(len(apis), "component answers", resp.Status, "until it has its peer")
	// Output: 1 component answers 503 Service Unavailable until it has its peer
}
