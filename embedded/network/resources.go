package network

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"

	"github.com/ipfs-cluster/pinsvc/embedded/disk"
)

// descriptorShare is the part of the limit of open files that connections of the
// node may take: by default libp2p takes half of them, and blocks and records
// need some, too.
const descriptorShare = 8

// newResources returns libp2p's default limits, with fewer descriptors.
func newResources() (network.ResourceManager, error) {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	limits := scaling.AutoScale()
	fewer := limits.ToPartialLimitConfig()
	files := int(disk.OpenFiles() / descriptorShare)
	fewer.System.FD = rcmgr.LimitVal(min(int(fewer.System.FD), files))
	fewer.Transient.FD = rcmgr.LimitVal(min(int(fewer.Transient.FD), max(1, files/2)))
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(fewer.Build(limits)))
}
