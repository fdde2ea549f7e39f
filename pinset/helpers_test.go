package pinset

import (
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

var testEpoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// testCID returns one of as many CIDs as a test needs.
func testCID(i int) cid.Cid {
	h, err := multihash.Sum(fmt.Appendf(nil, "test %d", i), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, h)
}
