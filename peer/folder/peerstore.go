package folder

import (
	"fmt"
	"strings"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// writePeerstore makes the list of known peers: an empty one, unless there is
// one already, when nobody is known.
func writePeerstore(path string, known []libp2p.AddrInfo) error {
	if len(known) == 0 && atomicfile.Exists(path) {
		return nil
	}
	var text strings.Builder
	for _, peer := range known {
		addrs, err := libp2p.AddrInfoToP2pAddrs(&peer)
		if err != nil {
			return fmt.Errorf("writing the peerstore: %w", err)
		}
		for _, addr := range addrs {
			fmt.Fprintln(&text, addr)
		}
	}
	if err := atomicfile.WriteBytes(path, []byte(text.String())); err != nil {
		return fmt.Errorf("writing the peerstore: %w", settings.ExplainFile(err))
	}
	return nil
}
