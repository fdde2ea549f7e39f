// Package restapi serves the REST API of IPFS Cluster from inside a peer, compatible
// with ipfs-cluster-ctl v1.1.6 and the Go client of the ipfs-cluster library. It is the
// API of the operators of a cluster.
//
// A request arrives authenticated and routed by package common (routes.go). The handler
// parses it once (query.go) and calls one method of the Cluster interface (cluster.go).
// That has the library's own types, since they are also the types on the wire. Handlers
// with one value as their result are in peers.go and pins.go; many values are streamed
// line by line (stream.go), those of an upload (add.go) included. Errors become
// responses by the table of package failures.
//
// The implementation of Cluster for a real peer is in cluster_rpc.go and the other
// cluster_*.go files.
//
// A component is created by New, bound by API.Listen and passed to
// ipfscluster.NewCluster like the library's own APIs.
package restapi
