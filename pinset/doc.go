// Package pinset holds what a pin is for every part of a peer, whatever protocol
// asks for it. It knows nothing of HTTP and nothing of a cluster.
//
// CheckCID decides which CIDs can be pinned at all. The APIs ask it before they
// accept a pin, and the way to the IPFS node before it fetches one.
package pinset
