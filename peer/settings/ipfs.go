package settings

import (
	"errors"

	"github.com/ipfs-cluster/ipfs-cluster/config"
)

// The connectors, by the names of their sections.
const (
	SectionEmbedded = "embedded" // a node in this process
	SectionKubo     = "ipfshttp" // a Kubo daemon's RPC API
)

// IPFS returns the connector that the file configures: "embedded" or
// "ipfshttp". Without a section it is the latter with its defaults, as for
// ipfs-cluster-service.
func (s *Settings) IPFS() (string, error) {
	if !s.Has(config.IPFSConn, SectionEmbedded) {
		return SectionKubo, nil
	}
	if s.Has(config.IPFSConn, SectionKubo) {
		return "", errors.New("ipfs_connector: both embedded and ipfshttp are configured: " +
			"remove ipfshttp to use the IPFS node inside the peer, or embedded to use a Kubo")
	}
	if s.Has(config.API, "ipfsproxy") {
		return "", errors.New("api.ipfsproxy stands before a Kubo, and ipfs_connector.embedded is none: " +
			"remove the section api.ipfsproxy, or use a Kubo with ipfs_connector.ipfshttp instead")
	}
	return SectionEmbedded, nil
}
