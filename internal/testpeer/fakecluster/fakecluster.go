// Package fakecluster is the cluster of the tests of both APIs, in memory. Pins and Native
// implement what each of the APIs needs of one; what they have in common is here.
package fakecluster

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// Epoch is the time at which a fake cluster begins.
var Epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// CID returns a CIDv1 of raw data that no IPFS node provides, the same for the same name.
func CID(name string) cid.Cid {
	h, err := multihash.Sum([]byte(name), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, h)
}

// Cluster is the common part of the fakes.
type Cluster struct {
	// Mu guards all fields, while requests are under way.
	Mu sync.Mutex
	// Log has the calls: the writes of a Pins, every call of a Native.
	Log []string
	// Errs are what calls return: joined, or, of a sequence, one by one at its end.
	Errs []error
}

// log adds a call. The caller holds Mu.
func (c *Cluster) log(format string, args ...any) {
	c.Log = append(c.Log, fmt.Sprintf(format, args...))
}

// err returns the error of a call.
func (c *Cluster) err() error { return errors.Join(c.Errs...) }
