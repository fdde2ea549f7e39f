// Package atomicfile replaces files so that an interruption leaves the whole old
// or the whole new content, and syncs files and folders to the disk.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// privateMode is of files with secrets: passwords, hashes, keys.
const privateMode fs.FileMode = 0o600

// WriteBytes is Write with a text.
func WriteBytes(path string, text []byte) error {
	return Write(path, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

// Write gives a file its content at once: a reader, and the next start
// after a kill or a loss of power, finds all of the old content or all of the
// new. Only the owner may read a new file; one that is there keeps its owner,
// its group and their permissions, and loses those of everybody else.
func Write(path string, write func(*os.File) error) error {
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
	return Sync(filepath.Dir(path))
}

// SyncTree writes a folder and all that is in it to the disk.
func SyncTree(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() && !entry.Type().IsRegular() {
			return err
		}
		return Sync(path)
	})
}

// Sync writes a folder, or a file, to the disk.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // a file system that has no such thing
	}
	return errors.Join(err, f.Close())
}

// Exists errs on the side of true: what cannot be looked at is not written to.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
