// Package components tests the consensus, the tracker and the connector together, as a peer
// puts them together, around an IPFS node in memory.
package components
