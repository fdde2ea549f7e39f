// Package network is the network of an IPFS node: its libp2p host with the limits of
// a small process, the DHT, bitswap and the announcement of pinned content. It depends
// neither on pins nor on how blocks are stored.
//
// Open (network.go, resources.go, listen.go) starts it. While a pin is in progress,
// its origins are kept connected and get every request (origins.go); the IPFS nodes of
// cluster peers always do. serving.go adapts the block store to bitswap's server;
// Provider (provide.go) announces from a durable queue.
package network
