package peer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// Reload reads basic_auth_credentials of both API sections again, from
// service.json and the environment. Tokens and passwords of users that are gone
// or changed are worth nothing when it returns. With any mistake in the file
// everything stays as it was, and the log says why. An API that asks for
// credentials is not opened to everybody: that takes a restart.
func (p *Peer) Reload() error {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	began := time.Now()
	err := p.reload()
	if err != nil {
		logger.Errorf("the credentials were not read again, the old ones stay: %v", err)
	} else {
		logger.Info("the credentials were read again")
	}
	if err := folder.WriteReload(p.settings.Folder(), began, err); err != nil {
		logger.Warnf("telling how the reload ended: %v", err)
	}
	return err
}

func (p *Peer) reload() error {
	s, err := settings.Load(p.settings.Folder(), p.settings.Pinsvcapi.AllowUnknownKeys)
	if err != nil {
		return err
	}
	defer s.Close()
	users := s.ConfiguredUsers()
	var mistakes []error
	for _, section := range slices.Sorted(maps.Keys(p.credentials)) {
		now, there := users[section]
		switch {
		case !there:
			mistakes = append(mistakes, fmt.Errorf("%s: the section is gone; restart the daemon to end this API", section))
		case now == nil && !p.credentials[section].Open():
			mistakes = append(mistakes, fmt.Errorf("%s.basic_auth_credentials: is gone; {} lets nobody in, "+
				"and to let everybody in restart the daemon", section))
		}
	}
	if len(mistakes) > 0 {
		return errors.Join(mistakes...)
	}
	for section, credentials := range p.credentials {
		credentials.Replace(users[section])
	}
	for _, n := range s.Notices() {
		logger.Warn(n)
	}
	return nil
}
