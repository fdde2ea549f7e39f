// Package common is what every API component shares: it takes a request from a
// listener to the component's handler and brings the answer back. It knows
// nothing of pins or clusters.
//
// A request passes through it like this: a listener (package listen; HTTP or HTTPS
// over TCP, a unix socket, or a libp2p stream) hands it to the handler
// (handler.go), whose layers are, from the outside in,
//
//	recover     a panic becomes a 500                          recover.go
//	access log  one line per request, one more per write       accesslog.go, audit.go
//	CORS        answers preflights, adds headers, refuses      cors.go, crossorigin.go
//	authenticate  a user, or 401 with challenges, or 429       authenticate.go, package auth
//	limit       503 beyond the requests that may be at once    slots.go
//	route       the component's table, POST /token, /health    router.go
//	              or, for who prefers HTML, a page             html.go, webpage/
//
// A route returns a value or an error. There is one writer for values and one
// for failures (respond.go); a failure's status and text come from the
// component's own table. How long a client may take is in limits.go, how much
// memory all requests may take in budget.go, and who sent a request, also through
// a proxy, in remote.go. The keys of the section in service.json are in config.go,
// and all addresses together are the Server (server.go).
//
// A component makes auth.Credentials, a Handler and a Server, none of which does
// any I/O, then calls Server.Listen, and in the end Server.Shutdown.
package common
