package folder

import (
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// Check reads service.json and identity.json and returns everything that keeps
// a peer from running with them, as *settings.ValidationErrors: wrong values, keys that nobody
// knows (unless allowUnknown), components that exclude each other or are
// missing, and a broken identity. An error that wraps settings.ErrNoFolder says that
// there is nothing to check.
func Check(folder string, allowUnknown bool) error {
	if err := settings.Require(folder); err != nil {
		return err
	}
	found := settings.Check(folder, allowUnknown)
	_, err := LoadIdentity(folder)
	if err != nil && len(found) == 0 {
		return settings.Invalid(folder, err)
	}
	return settings.Invalid(settings.Path(folder), append(found, err)...)
}
