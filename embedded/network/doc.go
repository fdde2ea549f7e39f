// Package network is the network of an IPFS node: its libp2p host with the limits of
// a small process, the DHT, bitswap and the announcement of pinned content. It knows
// neither pins nor where blocks are kept.
//
// Open (network.go, resources.go, listen.go) starts it. While a pin is in progress,
// its origins are kept connected and asked first (origins.go), as are the nodes of
// cluster peers, always. serving.go is the block store as bitswap's server sees it;
// Provider (provide.go) announces from a durable queue.
package network
