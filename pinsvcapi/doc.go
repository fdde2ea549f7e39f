// Package pinsvcapi serves the IPFS Pinning Service API v1.0.0 from inside an
// IPFS Cluster peer.
//
// A request arrives authenticated and routed by package common (routes.go). The handler
// parses it once into a complete value (query.go, body.go) and calls one method of the
// service, which implements the semantics of the API (service.go for a single pin,
// list.go for lists, aggregate.go for the texts about a status). The service knows the
// cluster only through pinset.Cluster. The implementation for a real peer is in
// cluster.go and the files named after it; package view can be put in front of it, so
// that a list does not scan the pinset. The result is translated to the types of the
// specification (wire.go), an error by the table of package failures.
//
// A component is created by New, bound by API.Listen and passed to
// ipfscluster.NewCluster like the library's own APIs; see the example.
package pinsvcapi
