package auth

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ipfs-cluster/pinsvc/config"
)

// Users are user names and their passwords, as they are stored. Nil is
// different from empty: nil lets everybody in, empty nobody.
type Users map[string]string

// Format writes config.Hidden under every verb.
func (u Users) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, config.Hidden)
}

// Decode reads the form that v1.1.6 uses in the environment,
// "user:password,user:password". A password with a comma or a colon can only be
// given in the file. An empty text is an error: it would be unclear whether it
// means everybody or nobody.
func (u *Users) Decode(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("is set but empty: give user:password pairs or unset it")
	}
	users := make(Users)
	for i, pair := range strings.Split(text, ",") {
		name, password, found := strings.Cut(pair, ":")
		if !found || strings.Contains(password, ":") {
			return fmt.Errorf("pair %d is not user:password", i+1)
		}
		users[name] = password
	}
	*u = users
	return nil
}
