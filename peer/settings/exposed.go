package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// exposed returns a notice about files with secrets that every user of the
// machine can read: passwords and keys. A folder that others may not enter
// protects what is in it. The next 'pinsvc passwd' or 'init -f' mends the mode of
// what it writes.
func (s *Settings) exposed() []string {
	paths := []string{Path(s.folder), filepath.Join(s.folder, IdentityFile)}
	if backups, err := filepath.Glob(filepath.Join(s.folder, File+".*Z")); err == nil {
		paths = append(paths, backups...)
	}
	for _, key := range []string{s.Pinsvcapi.Value().SSLKeyFile, s.Restapi.Value().SSLKeyFile} {
		if key != "" && !filepath.IsAbs(key) {
			key = filepath.Join(s.folder, key)
		}
		paths = append(paths, key)
	}
	if s.Embedded != nil {
		folder := s.Embedded.Value().Folder
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(s.folder, folder)
		}
		paths = append(paths, filepath.Join(folder, "identity"))
	}
	var open []string
	for _, path := range paths {
		if path != "" && readableByOthers(path) && !strings.Contains(strings.Join(open, " "), path) {
			open = append(open, path)
		}
	}
	if len(open) == 0 {
		return nil
	}
	files := strings.Join(open, " ")
	return []string{fmt.Sprintf("every user of this machine can read passwords or keys in %s. Only their owner should: chmod 600 %s", files, files)}
}

// readableByOthers reports whether users who are neither the owner nor in the
// group of a file can read it: its mode allows it, and that of its folder.
func readableByOthers(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o004 == 0 {
		return false
	}
	folder, err := os.Stat(filepath.Dir(path))
	return err == nil && folder.Mode().Perm()&0o001 != 0
}
