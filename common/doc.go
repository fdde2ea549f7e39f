// Package common is what every API component shares: it takes a request from a
// listener to the component's handler and brings the answer back. It knows
// nothing of pins or clusters.
//
// The way of a request through the package: a listener (listen.go; HTTP or
// HTTPS over TCP, a unix socket, or a libp2p stream) hands it to the handler
// (handler.go), where it passes, from the outside in,
//
//	recover     a panic becomes a 500                          recover.go
//	access log  one line per request, one more per write       accesslog.go, audit.go
//	CORS        answers preflights, adds headers, refuses      cors.go, crossorigin.go
//	limit       503 beyond the requests that may be at once    slots.go
//	authenticate  a user, or 401 with challenges, or 429       auth.go
//	route       the component's table, POST /token, /health    router.go
//	              or, for who prefers HTML, a page             html.go, webpage/
//
// A route returns a value or an error. There is one writer for values and one
// for failures (respond.go); a failure's status and text come from the
// component's own table. How long a client may take is in limits.go.
//
// Users are in credentials.go, hashed passwords in hashed.go, tokens in jwt.go
// and token.go. What slows down those who guess is in guard.go, and who sent a
// request, also through a proxy, in remote.go. The keys of the section in
// service.json are in config.go, and all addresses together are the Server
// (server.go).
//
// A component makes Credentials, a Handler and a Server, none of which does any
// I/O, then calls Server.Listen, and in the end Server.Shutdown.
package common
