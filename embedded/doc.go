// Package embedded is an IPFS node inside the process, as an IPFS connector of
// a cluster peer: pins, blocks and their garbage collection without a Kubo.
//
// A Node is configured (config.go), made by New without any I/O, opened by Start and
// closed by Shutdown (node.go). Package storage is its folder, with an identity, blocks
// in flatfs and pin records in pebble; package network is its libp2p host, which speaks
// bitswap and, if wanted, the DHT.
//
// Pin (pin.go) dials the origins, walks the DAG (fetch.go), takes local blocks from
// the store and the others from bitswap, writes blocks in batches (writer.go) and,
// when nothing is missing, records the pin (pinset.go). A pin in progress is registered
// (inflight.go), which gives its progress and protects its blocks.
//
// Data on disk is never trusted: the store compares a block with its hash when it is
// read, and lists the damaged ones, which count as absent. A checker (checker.go)
// verifies pins on request and, slowly, everything (scrub.go), finds the pins that
// lack blocks (inspect.go), and has them pinned again.
//
// Garbage collection (gc.go) marks what records and pins in progress need, then
// deletes the rest block by block. It holds no lock while it works: storage.Claims
// records every block that is touched during a collection, and such a block is never
// deleted. When a pin lacks a block, nothing is deleted at all.
package embedded
