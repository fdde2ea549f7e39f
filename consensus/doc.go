// Package consensus has what a peer puts around the consensus components of
// ipfs-cluster.
package consensus
