package common

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// goodPassword is how many characters a password should have. Tokens are signed
// with it, so whoever has a token can try passwords as fast as a machine can.
const goodPassword = 16

// PasswordHint returns which users have a short password, in one sentence for
// the log, or nothing. Of a hashed password nobody knows how long it is.
func (c *Config) PasswordHint() string {
	var short []string
	for _, name := range slices.Sorted(maps.Keys(c.BasicAuthCredentials)) {
		stored := c.BasicAuthCredentials[name]
		if !auth.IsHashed(stored) && utf8.RuneCountInString(stored) < goodPassword {
			short = append(short, fmt.Sprintf("%q", name))
		}
	}
	if len(short) == 0 {
		return ""
	}
	return fmt.Sprintf("basic_auth_credentials: the password of %s is shorter than %d characters: "+
		"who has a token can find it by trying; set a long random one", strings.Join(short, ", "), goodPassword)
}
