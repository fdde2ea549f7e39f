package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ipfs-cluster/ipfs-cluster/config"

	"github.com/ipfs-cluster/pinsvc/pinsvcapi"
	"github.com/ipfs-cluster/pinsvc/restapi"
)

// Load reads service.json in the folder and applies the CLUSTER_*
// environment variables. The error names every mistake that was found, each on
// a line with its section and key. Keys that nobody knows in our own sections
// are mistakes too, or, with allowUnknown, warnings.
func Load(folder string, allowUnknown bool) (*Settings, error) {
	if err := Require(folder); err != nil {
		return nil, err
	}
	s, found := read(folder, allowUnknown)
	if err := Invalid(Path(folder), found...); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// read returns what could be read, and all mistakes.
func read(folder string, allowUnknown bool) (*Settings, []error) {
	s := newSettings(folder, only{})
	s.Pinsvcapi.AllowUnknownKeys = allowUnknown
	s.Restapi.AllowUnknownKeys = allowUnknown
	s.Embedded.AllowUnknownKeys = allowUnknown
	err := s.load()
	if found := s.mistakes.list(); len(found) > 0 {
		return s, found
	}
	if err != nil {
		s.unreadable = true
		return s, []error{err}
	}
	return s, nil
}

func (s *Settings) load() error {
	path := filepath.Join(s.folder, File)
	text, err := os.ReadFile(path)
	if err != nil {
		return ExplainFile(err)
	}
	if err := checkSyntax(text); err != nil {
		return err
	}
	if source := sourceOf(text); source != "" {
		if text, err = fetchSource(source); err != nil {
			return err
		}
		s.manager.Source = source // which is all that may be saved
	}
	s.strangers = s.unknownSections(text)
	err = s.manager.LoadJSON(text)
	if err == nil {
		err = s.manager.ApplyEnvVars()
	}
	return err
}

// checkSyntax says in which line a JSON document is broken: a comma too many
// is the mistake most often made by hand.
func checkSyntax(text []byte) error {
	var object map[string]json.RawMessage
	err := json.Unmarshal(text, &object)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) || err == nil && object == nil {
		return errors.New("it is no JSON object with the sections of a configuration: restore it from a backup, or replace it with 'pinsvc init -f'")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// Close releases what the manager runs. It does not wait: the manager looks
// only once a second, and nothing of it is left to be saved.
func (s *Settings) Close() {
	go s.manager.Shutdown()
}

// PinningService returns the section api.pinsvcapi, and whether it is there:
// without it the peer has no pinning service.
func (s *Settings) PinningService() (pinsvcapi.Config, bool) {
	return s.Pinsvcapi.Value(), s.Has(config.API, "pinsvcapi")
}

// RestAPI returns the section of the REST API, and whether it is enabled.
func (s *Settings) RestAPI() (restapi.Config, bool) {
	return s.Restapi.Value(), s.Has(config.API, "restapi")
}
