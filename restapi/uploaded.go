package restapi

import (
	"os"

	"github.com/ipfs/boxo/files"
)

// oneOf is a directory with one entry of another one. Its end is reached when the
// next entry has begun, or the other one has ended: a file that is cut off cannot
// be told from a whole one before.
type oneOf struct {
	files.Directory
	all   files.DirIterator
	name  string
	node  files.Node
	read  bool
	ended bool
	more  bool // there is a next entry
}

func (o *oneOf) Entries() files.DirIterator { return o }
func (o *oneOf) Name() string               { return o.name }
func (o *oneOf) Node() files.Node           { return unread(o.node) }

// rest returns whether there is a next entry. The library does not look for the
// end of a CAR.
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

// wholeOf is a directory whose files are not read to their end when they are
// closed.
func wholeOf(d files.Directory) files.Directory { return unreadDirectory{d} }

// unread is a node that is not read to its end when it is closed. Parts of an
// upload are, and an add that has failed closes them.
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

type unreadFile struct{ files.File }

func (unreadFile) Close() error { return nil }

type unreadInfo struct {
	unreadFile
	info files.FileInfo
}

func (f unreadInfo) AbsPath() string   { return f.info.AbsPath() }
func (f unreadInfo) Stat() os.FileInfo { return f.info.Stat() }

type unreadDirectory struct{ files.Directory }

func (unreadDirectory) Close() error                 { return nil }
func (d unreadDirectory) Entries() files.DirIterator { return unreadEntries{d.Directory.Entries()} }

type unreadEntries struct{ files.DirIterator }

func (e unreadEntries) Node() files.Node { return unread(e.DirIterator.Node()) }
