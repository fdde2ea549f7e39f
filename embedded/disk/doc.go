// Package disk keeps a peer alive on a full disk. Databases such as pebble end
// the process when they find no space for their log, so a write is refused while
// there still is some (Watch.Room, watch.go), and what a database writes all the
// same waits for space instead of failing (Watch.FS, wait.go). A process without a
// free descriptor waits likewise (descriptors.go).
package disk
