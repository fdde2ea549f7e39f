// Package listen binds the addresses of an API and bounds the connections of
// each. It does not depend on requests or users.
//
// Bind (bind.go, endpoint.go) listens on a multiaddress and explains why it cannot;
// Limit (connections.go) keeps a maximum of connections, which are counted by
// client (client.go): for one more, an idle one is closed. Certificates are read
// again when their files change (certificates.go).
package listen
