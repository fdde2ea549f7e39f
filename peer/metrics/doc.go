// Package metrics measures a peer: Serve opens the endpoint of
// observations.metrics, the collectors measure pins (pins.go), the view of the
// pinset (view.go), the changes of other CRDT peers (lag.go) and the embedded IPFS
// node (node.go).
package metrics
