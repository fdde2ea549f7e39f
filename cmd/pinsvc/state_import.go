package main

import (
	"fmt"

	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

// importFlags are the flags of state import that change the pins: an export of
// another cluster has allocations and replication factors that do not fit this
// one.
type importFlags struct {
	min, max    int
	allocations []string
}

// register defines the flags. The names in parentheses are those of
// ipfs-cluster-service, see alias.
func (f *importFlags) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.min, "replication-min", 0, "replication-factor-min of all pins, in place of the file's (or --rmin)")
	cmd.Flags().IntVar(&f.max, "replication-max", 0, "replication-factor-max of all pins, in place of the file's (or --rmax)")
	cmd.Flags().StringSliceVar(&f.allocations, "allocations", nil, "allocations of all pins: `peer IDs`, separated by commas (or --allocs)")
}

// options parses the flags. 0 leaves the replication factors of the pins as
// they are.
func (f *importFlags) options() (folder.ImportOptions, error) {
	o := folder.ImportOptions{ReplicationMin: f.min, ReplicationMax: f.max}
	for _, text := range f.allocations {
		id, err := libp2p.Decode(text)
		if err != nil {
			return o, fmt.Errorf("--allocations %s: %w", text, err)
		}
		o.Allocations = append(o.Allocations, id)
	}
	return o, nil
}
