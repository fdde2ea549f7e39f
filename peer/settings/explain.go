package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"syscall"

	"github.com/ipfs-cluster/pinsvc/config"
)

// prefixes are what the library puts before an error: the key, which we name
// ourselves, and the same again.
var prefixes = regexp.MustCompile(`^(error (parsing|decoding|loading)[^:]*|failed to parse[^:"]*[^:" ]): `)

// translations say in words that help what the library's errors mean. The first
// that matches counts.
var translations = []struct {
	text *regexp.Regexp
	say  string
}{
	{regexp.MustCompile(`^time: .*duration "?([^"]*)"?$`), `"$1" is not a duration such as "30s" or "1h30m"`},
	{regexp.MustCompile(`^\S*_(?:ttl|interval|timeout|delay|age) is invalid.*`), `is not a duration above zero such as "30s" or "1h30m"`},
	{regexp.MustCompile(`(?:invalid|failed to parse) multiaddr "([^"]*)".*`), `"$1" is not a multiaddress such as "/ip4/127.0.0.1/tcp/9096"`},
	{regexp.MustCompile(`^(?:error parsing trusted peers: )?failed to parse peer ID.*`), "there is something that is not a peer ID"},
	{regexp.MustCompile(`^error loading cluster secret.*|^encoding/hex:.*|^input secret is \d+ bytes.*`),
		"must be 64 hexadecimal digits, the same on all peers of the cluster (`openssl rand -hex 32` makes some)"},
}

// plain says in our words what is wrong, for an error of the library about a
// value. Its secrets stay out.
func plain(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return fmt.Errorf("must be %s, is a %s", config.Describe(wrongType.Type), wrongType.Value)
	}
	text := err.Error()
	for range 2 {
		for _, t := range translations {
			if at := t.text.FindStringSubmatchIndex(text); at != nil {
				return errors.New(string(t.text.ExpandString(nil, t.say, text, at)))
			}
		}
		text = prefixes.ReplaceAllString(text, "")
	}
	if text == err.Error() {
		return err
	}
	return errors.New(strings.TrimSpace(text))
}

// ExplainFile says what to do about an error with a file or a folder of the peer.
func ExplainFile(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: run pinsvc as the user that owns it, or give it to this one", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: free some, then try again", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: the folder must be writable, choose another with --config", err)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%w, and should be a file: move it away, and restore the file from a backup", err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: choose a folder with --config", err)
	}
	return err
}
