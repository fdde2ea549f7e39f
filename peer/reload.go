package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/config"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// reloadFile tells how the last reload ended, for whoever has asked for it.
const reloadFile = "pinsvc.reload"

// How often, and how long at most, AskReload looks for the answer.
const (
	reloadPoll     = 20 * time.Millisecond
	reloadPatience = 15 * time.Second
)

// outcome is what reloadFile holds.
type outcome struct {
	Began time.Time `json:"began"`
	Error string    `json:"error"` // empty: it worked
}

// configuredUsers returns the users of every API of ours that has a section.
func (s *Settings) configuredUsers() map[string]auth.Users {
	users := make(map[string]auth.Users)
	if s.has(config.API, "pinsvcapi") {
		users[s.Pinsvcapi.Name()] = s.Pinsvcapi.Value().BasicAuthCredentials
	}
	if s.has(config.API, "restapi") {
		users[s.Restapi.Name()] = s.Restapi.Value().BasicAuthCredentials
	}
	return users
}

// Reload reads basic_auth_credentials of both API sections again, from
// service.json and the environment. Tokens and passwords of users that are gone
// or changed are worth nothing when it returns. With any mistake in the file
// everything stays as it was, and the log says why. An API that asks for
// credentials is not opened to everybody: that takes a restart.
func (p *Peer) Reload() error {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	o := outcome{Began: time.Now()}
	err := p.reload()
	if err != nil {
		o.Error = err.Error()
		logger.Errorf("the credentials were not read again, the old ones stay: %v", err)
	} else {
		logger.Info("the credentials were read again")
	}
	if err := writeOutcome(p.settings.folder, o); err != nil {
		logger.Warnf("telling how the reload ended: %v", err)
	}
	return err
}

func (p *Peer) reload() error {
	s, err := LoadSettings(p.settings.folder, p.settings.Pinsvcapi.AllowUnknownKeys)
	if err != nil {
		return err
	}
	defer s.Close()
	users := s.configuredUsers()
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

// writeOutcome replaces the file at once, because somebody waits for it.
func writeOutcome(folder string, o outcome) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, reloadFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// AskReload makes the daemon that runs on a folder read its credentials again,
// and returns its process ID when that is done. The error is ErrNoDaemon, or
// why the daemon did not take the new credentials, or that it did not answer:
// one that is starting answers when it is ready.
func AskReload(ctx context.Context, folder string) (pid int, err error) {
	daemon, err := daemonOf(folder)
	if err != nil {
		return 0, err
	}
	asked := time.Now().Round(0) // as the daemon writes it
	if err := daemon.Signal(syscall.SIGHUP); err != nil {
		return 0, fmt.Errorf("asking process %d: %w", daemon.Pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, reloadPatience)
	defer cancel()
	tick := time.NewTicker(reloadPoll)
	defer tick.Stop()
	for {
		var o outcome
		text, err := os.ReadFile(filepath.Join(folder, reloadFile))
		if err == nil && json.Unmarshal(text, &o) == nil && !o.Began.Before(asked) {
			if o.Error != "" {
				return daemon.Pid, fmt.Errorf("the daemon (process %d) keeps the old credentials: %s", daemon.Pid, o.Error)
			}
			return daemon.Pid, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return daemon.Pid, fmt.Errorf("the daemon (process %d) was asked but has not answered; see its log", daemon.Pid)
		}
	}
}
