// Package verify checks the blocks of an embedded IPFS node against the pinset:
// Live checks a running peer, for its REST API, and Folder checks a stopped one. A sharded pin is checked by its parts (root.go).
package verify
