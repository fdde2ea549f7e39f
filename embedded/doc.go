// Package embedded is an IPFS node inside the process, as an IPFS connector of
// a cluster peer: pins, blocks and their garbage collection without a Kubo.
//
// A Node is configured (config.go), made by New without any I/O, opened by
// Start and closed by Shutdown (node.go). It has a folder of its own (repo.go)
// with an identity, blocks in flatfs and pin records in pebble, and a libp2p
// host of its own (network.go) that speaks bitswap and, if wanted, the DHT.
//
// The way of a pin: Pin (pin.go) dials the origins (origins.go), walks the DAG
// (fetch.go), taking what is local from the store (store.go) and the rest from
// bitswap, writes blocks in batches (writer.go) and, when nothing is missing,
// records the pin (pinset.go). A pin in progress is registered (inflight.go),
// which gives its progress and protects its blocks.
//
// Nothing that comes from the disk is believed: the store compares a block with
// its hash when it is read (checked.go) and lists the damaged ones (damaged.go),
// which count as absent. A checker (checker.go) reads pins that it is asked to
// check, and slowly everything (scrub.go), finds the pins that lack blocks
// (inspect.go), and has them pinned again.
//
// Garbage collection (gc.go) marks what records and pins in progress need,
// then deletes the rest block by block. It holds no lock while it works: a
// guard (guard.go) remembers every block that anybody touched since the
// collection began, and such a block is never deleted. When a pin lacks a block,
// nothing is deleted at all.
package embedded
