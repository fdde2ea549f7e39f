package settings

import (
	"fmt"
	"os"
	"path/filepath"

	pinconfig "github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/internal/atomicfile"
)

// usersKey is where a section has its users.
const usersKey = "basic_auth_credentials"

// SetPassword writes a user's entry, a password or its hash, into every API
// section of ours that service.json has, and returns their names. The user is
// added where it is new. The rest of the file stays as it is, and the file is
// replaced at once (writeFile). The daemon may run meanwhile.
func SetPassword(folder, name, entry string) ([]string, error) {
	s, err := Load(folder, true)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	users := s.ConfiguredUsers()
	path := filepath.Join(folder, File)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if sourceOf(text) != "" {
		return nil, fmt.Errorf("%s has no users: they are in the configuration at its source", path)
	}
	var sections []string
	for _, key := range []string{s.Pinsvcapi.ConfigKey(), s.Restapi.ConfigKey()} {
		section := "api." + key
		if _, there := users[section]; !there {
			continue
		}
		if text, err = pinconfig.SetMember(text, entry, "api", key, usersKey, name); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		sections = append(sections, section)
	}
	if len(sections) == 0 {
		return nil, fmt.Errorf("%s has neither a section api.pinsvcapi nor api.restapi", path)
	}
	return sections, atomicfile.WriteBytes(path, append(text, '\n'))
}
