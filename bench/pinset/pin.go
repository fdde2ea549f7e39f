package pinset

import (
	"fmt"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
)

// How many pins share a value. Names carry the site, meta carries the
// application.
const (
	Sites        = 100
	Applications = 10
)

// Pin is one generated pin.
type Pin struct {
	CID     cid.Cid
	Name    string
	Meta    map[string]string
	Created time.Time // UTC, whole milliseconds
}

// newPin makes pin i of a series. Different series have no CID in common.
func newPin(series string, i int, created time.Time) Pin {
	return Pin{
		CID:     cidOf(fmt.Sprintf("%s %d", series, i)),
		Name:    fmt.Sprintf("site-%02d/Release-%07d.car", i%Sites, i),
		Meta:    map[string]string{"app": Application(i), "owner": fmt.Sprintf("team-%d", i%7)},
		Created: created,
	}
}

// Application returns the value of meta `app` that pin i has: one of
// Applications.
func Application(i int) string {
	return fmt.Sprintf("app-%d", i%Applications)
}

// Fresh returns pin i of a series that is in no Set, to be posted now. Created
// is not set.
func Fresh(series string, i int) Pin {
	return newPin("fresh "+series, i, time.Time{})
}

// cidOf returns the CIDv1 of a raw block.
func cidOf(data string) cid.Cid {
	hash, err := multihash.Sum([]byte(data), multihash.SHA2_256, -1)
	if err != nil {
		panic(err) // SHA2-256 is always there
	}
	return cid.NewCidV1(cid.Raw, hash)
}

// Cluster returns the pin as the cluster keeps it: recursive, everywhere, with
// `created` under the service's reserved metadata key.
func (p Pin) Cluster() api.Pin {
	meta := map[string]string{pinsvcapi.CreatedKey: pinsvcapi.EncodeCreated(p.Created)}
	for k, v := range p.Meta {
		meta[k] = v
	}
	pin := api.PinWithOpts(api.NewCid(p.CID), api.PinOptions{
		ReplicationFactorMin: -1,
		ReplicationFactorMax: -1,
		Name:                 p.Name,
		Mode:                 api.PinModeRecursive,
		Metadata:             meta,
	})
	pin.Timestamp = p.Created.Truncate(time.Second)
	return pin
}
