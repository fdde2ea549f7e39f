//go:build !unix

package listen

// OpenFiles returns how many files the process may have open, sockets included.
func OpenFiles() uint64 { return fewFiles }
