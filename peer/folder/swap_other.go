//go:build !linux

package folder

import "errors"

// errNoExchange says that the file system cannot exchange two names.
var errNoExchange = errors.New("no exchange of two names")

func exchange(string, string) error { return errNoExchange }

// isMount is not known here: replacing a mount point fails, and changes nothing.
func isMount(string) bool { return false }
