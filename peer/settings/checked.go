package settings

import (
	"fmt"

	"github.com/ipfs-cluster/ipfs-cluster/config"
)

// checked is a section of the library with errors that name the section and,
// where it can be found out, the key. The library's manager stops at the first
// mistake of a random section, and some sections hide which key was wrong, so
// mistakes are collected here and the manager sees none.
type checked struct {
	config.ComponentConfig
	name     string                        // as in service.json: "consensus.crdt"
	folder   string                        // of service.json
	fresh    func() config.ComponentConfig // nil for sections that name their keys
	mistakes *mistakes
}

// SetBaseDir gives the section the peer's folder: the manager knows only that of
// a file, and not every configuration comes from there.
func (c *checked) SetBaseDir(string) { c.ComponentConfig.SetBaseDir(c.folder) }

func (c *checked) LoadJSON(raw []byte) error {
	if err := c.ComponentConfig.LoadJSON(raw); err != nil {
		c.mistakes.add(c.name, c.blame(raw, err)...)
	}
	return nil
}

func (c *checked) ApplyEnvVars() error {
	if c.failed() {
		return nil
	}
	if err := c.ComponentConfig.ApplyEnvVars(); err != nil {
		c.mistakes.add(c.name, c.blameEnvironment(err)...)
	}
	return nil
}

func (c *checked) Validate() error {
	if c.failed() {
		return nil
	}
	if err := c.ComponentConfig.Validate(); err != nil {
		c.mistakes.add(c.name, c.named(err))
	}
	return nil
}

func (c *checked) failed() bool {
	return len(c.mistakes.bySection[c.name]) > 0
}

// named puts the section before an error, unless the section does it itself.
func (c *checked) named(err error) error {
	if c.fresh == nil {
		return err
	}
	return fmt.Errorf("%s: %w", c.name, plain(err))
}
