package peer_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs-cluster/pinsvc/peer"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// A whole daemon: it makes the folder of a peer, starts the peer on free ports of this
// machine, pins a CID through the Pinning Service API, and stops.
func Example() {
	peer.Prepare()
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "peer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "one")

	loopback := "/ip4/127.0.0.1/tcp/0"
	os.Setenv("CLUSTER_LISTENMULTIADDRESS", loopback)
	os.Setenv("CLUSTER_MDNSINTERVAL", "0s") // of other peers on the local network
	os.Setenv("CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS", loopback)
	os.Setenv("CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS", loopback)
	os.Setenv("CLUSTER_EMBEDDED_LISTENMULTIADDRESSES", loopback)
	os.Setenv("CLUSTER_EMBEDDED_JOINDHT", "false") // the public IPFS network
	os.Setenv("CLUSTER_EMBEDDED_NATPORTMAP", "false")
	choice := settings.Choice{Consensus: "crdt", Datastore: "pebble", IPFS: settings.IPFSEmbedded}
	if _, err := folder.Create(dir, folder.CreateOptions{Choice: choice}); err != nil {
		log.Fatal(err)
	}

	p, err := peer.Start(ctx, peer.Options{Folder: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Shutdown(ctx)
	select {
	case <-p.Ready():
	case <-p.Done():
		log.Fatal(p.Err())
	}

	conf, err := settings.Load(dir, false)
	if err != nil {
		log.Fatal(err)
	}
	defer conf.Close()
	body := strings.NewReader(`{"cid": "bafkqabtimvwgy3yk", "name": "hello"}`) // the CID has its content inside
	r, err := http.NewRequest(http.MethodPost, p.Addresses()[0].URLs[0]+"/pins", body)
	if err != nil {
		log.Fatal(err)
	}
	r.SetBasicAuth(settings.DefaultUser, conf.Pinsvcapi.Value().BasicAuthCredentials[settings.DefaultUser])
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	// Output: 202 Accepted
}
