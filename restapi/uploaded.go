package restapi

import (
	"os"

	"github.com/ipfs/boxo/files"
)

// oneOf is a directory with one entry of another directory. Its end is known when the
// next entry has begun or the other directory has ended, since only then a file is
// known not to be cut off.
type oneOf struct {
	files.Directory
	all   files.DirIterator
	name  string
	node  files.Node
	read  bool // the entry was returned
	ended bool // all was asked for its next entry
	more  bool // and has one
}

func (o *oneOf) Entries() files.DirIterator { return o }
func (o *oneOf) Name() string               { return o.name }
func (o *oneOf) Node() files.Node           { return unread(o.node) }

// rest reports whether there is a next entry. It reads up to there, which the library
// does not do for a CAR.
func (o *oneOf) rest() bool {
	if !o.ended {
		o.Next()
	}
	return o.more
}

// Next implements files.DirIterator.
func (o *oneOf) Next() bool {
	if !o.read {
		o.read = true
		return true
	}
	o.more, o.ended = o.all.Next(), true
	return false
}

// Err implements files.DirIterator.
func (o *oneOf) Err() error {
	if o.more {
		return nil
	}
	return o.all.Err()
}

// wholeOf returns a directory whose files are not read to their end when they are
// closed.
func wholeOf(d files.Directory) files.Directory { return unreadDirectory{d} }

// unread returns a node that is not read to its end when it is closed. The parts of a
// form are, and an add that has failed would read the rest of the upload by closing
// them.
func unread(n files.Node) files.Node {
	switch n := n.(type) {
	case *files.Symlink:
		return n
	case files.Directory:
		return unreadDirectory{n}
	case files.File:
		if info, ok := n.(files.FileInfo); ok { // an add without copying asks where it is
			return unreadInfo{unreadFile{n}, info}
		}
		return unreadFile{n}
	}
	return n
}

// unreadFile is a file whose Close reads nothing.
type unreadFile struct{ files.File }

func (unreadFile) Close() error { return nil }

// unreadInfo is an unreadFile that has the path of the file at the client.
type unreadInfo struct {
	unreadFile
	info files.FileInfo
}

func (f unreadInfo) AbsPath() string   { return f.info.AbsPath() }
func (f unreadInfo) Stat() os.FileInfo { return f.info.Stat() }

// unreadDirectory is a directory of unread nodes.
type unreadDirectory struct{ files.Directory }

func (unreadDirectory) Close() error                 { return nil }
func (d unreadDirectory) Entries() files.DirIterator { return unreadEntries{d.Directory.Entries()} }

// unreadEntries iterates over unread nodes.
type unreadEntries struct{ files.DirIterator }

func (e unreadEntries) Node() files.Node { return unread(e.DirIterator.Node()) }
