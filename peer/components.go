package peer

import (
	"fmt"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/allocator/balanced"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/ipfs-cluster/ipfs-cluster/informer/disk"
	"github.com/ipfs-cluster/ipfs-cluster/informer/pinqueue"
	"github.com/ipfs-cluster/ipfs-cluster/informer/tags"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// newInformers returns those whose section is there. The library's cluster
// cannot do without any.
func newInformers(s *settings.Settings) ([]ipfscluster.Informer, error) {
	var all []ipfscluster.Informer
	for _, i := range []struct {
		key string
		new func() (ipfscluster.Informer, error)
	}{
		{"disk", func() (ipfscluster.Informer, error) { return disk.NewInformer(s.Disk) }},
		{"tags", func() (ipfscluster.Informer, error) { return tags.New(s.Tags) }},
		{"pinqueue", func() (ipfscluster.Informer, error) { return pinqueue.New(s.Pinqueue) }},
	} {
		if !s.Has(config.Informer, i.key) {
			continue
		}
		informer, err := i.new()
		if err != nil {
			return nil, fmt.Errorf("informer.%s: %w", i.key, err)
		}
		all = append(all, informer)
	}
	if len(all) == 0 {
		return nil, settings.ErrNoInformer
	}
	return all, nil
}

// newAllocator returns what decides which peers hold a pin. Files from before
// there was a section for it mean "the peers with most free space".
func newAllocator(s *settings.Settings) (ipfscluster.PinAllocator, error) {
	if !s.Has(config.Allocator, "balanced") {
		s.Allocator.AllocateBy = []string{"freespace"}
	}
	a, err := balanced.New(s.Allocator)
	if err != nil {
		return nil, fmt.Errorf("allocator.balanced: %w", err)
	}
	return a, nil
}
