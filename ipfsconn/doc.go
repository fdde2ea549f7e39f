// Package ipfsconn is a peer's way to its IPFS node.
//
// Connector (connector.go) makes pins and unpins wait for a node that is away instead of
// failing (health.go knows whether it is), and remembers for a moment what it has just seen
// (recent.go). Kubo (kubo.go, kubo_request.go) is the library's connector to a Kubo daemon
// with a pin request whose reason of failure and progress are known.
//
// Who tracks pins subscribes by functions (Connector.Within, Connector.ObservePins), so that
// this package knows no tracker.
package ipfsconn
