//go:build !unix

package common

// openFiles returns how many files the process may have open, sockets included.
func openFiles() uint64 { return fewFiles }
