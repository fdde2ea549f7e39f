package settings

import (
	"github.com/ipfs-cluster/ipfs-cluster/config"
)

// Section is a section of service.json that a peer knows.
type Section struct {
	Name   string // "consensus.crdt"
	Config config.ComponentConfig
}

// Sections returns all that a peer knows, each with its defaults, in the order
// in which newSettings lists them. It is for documentation.
func Sections() ([]Section, error) {
	s := newSettings("", only{})
	defer s.Close()
	for _, section := range s.sections {
		if err := section.Config.Default(); err != nil {
			return nil, err
		}
	}
	return s.sections, nil
}
