// Package restclient drives a running peer with the Go client of the ipfs-cluster
// library, the one that ipfs-cluster-ctl is made of. It has only a test, which is
// skipped unless the environment names a peer: sharness starts one and runs it.
package restclient
