// Package ipfsstub stands in for an IPFS daemon: it speaks the part of Kubo's
// RPC API (/api/v0) that a cluster peer's ipfshttp connector uses, remembers
// pins and answers at once, so that what is measured or tested is the peer.
// It never fetches anything: every pin succeeds unless it is told otherwise.
//
// The way through it: stub.go is what a caller holds, faults.go what a caller
// can let go wrong, routes.go the endpoints, pins.go those about pins,
// blocks.go those about blocks, pinset.go the memory.
package ipfsstub
