package peer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// privateMode is of files with secrets: passwords, hashes, keys.
const privateMode fs.FileMode = 0o600

// writeText is writeFile with a text.
func writeText(path string, text []byte) error {
	return writeFile(path, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

// writeFile gives a file its content at once: a reader, and the next start
// after a kill or a loss of power, finds all of the old content or all of the
// new. Only the owner may read a new file; one that is there keeps its owner,
// its group and their permissions, and loses those of everybody else.
func writeFile(path string, write func(*os.File) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = write(f)
	mode := privateMode
	if old, gone := os.Stat(path); gone == nil {
		mode = old.Mode().Perm() &^ 0o007
		keepOwner(f.Name(), old)
	}
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}
