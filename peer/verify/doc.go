// Package verify checks the blocks of an embedded IPFS node against the pinset:
// Live those of a running peer, for its REST API, and Folder those of a stopped
// one. A sharded pin is checked by its parts (root.go).
package verify
