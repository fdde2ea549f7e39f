// Package pinsvcapi serves the IPFS Pinning Service API v1.0.0 from inside an
// IPFS Cluster peer.
//
// The way of a request through the package: the shared layer (package common)
// has authenticated it and chosen a line of the table in routes.go. The
// handler parses it once into a complete value (query.go, body.go) and calls
// one method of the service, which holds what the API means (service.go for a
// single pin, list.go for lists, aggregate.go for a pin's status). The service
// knows the cluster only through the Cluster interface (pin.go). Its one
// implementation for a real peer is in cluster.go and the files named after
// it; package view can stand before that (source.go), so that a list does not
// scan the pinset. What comes back is put into the words of the specification (wire.go), or,
// when it is an error, through the table in errors.go.
//
// A component is made with New, bound with API.Listen and handed to
// ipfscluster.NewCluster like the library's own APIs; see the example.
package pinsvcapi
