// Package restapi serves the REST API of IPFS Cluster from inside a peer, as
// ipfs-cluster-ctl v1.1.6 and the Go client of the ipfs-cluster library know
// it. It is the door of those who run the cluster.
//
// The way of a request through the package: the shared layer (package common)
// has authenticated it and chosen a line of the table in routes.go. The handler
// parses it once (query.go) and calls one method of the Cluster interface
// (cluster.go), which deals in the library's own types, because those are what is
// on the wire. Handlers that answer with one value are in peers.go and pins.go;
// answers of many values are streamed line by line (stream.go), those of an
// upload (add.go) included. Every error goes through the table of internal/failures.
//
// The one implementation of Cluster for a real peer is in cluster_rpc.go and the files
// named after it.
//
// A component is made with New, bound with API.Listen and handed to
// ipfscluster.NewCluster like the library's own APIs.
package restapi
