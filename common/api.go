package common

import (
	"context"
	"io"
	"net/http"
)

// API is what a component tells this layer about itself.
type API struct {
	// Name is the key of its section, "pinsvcapi". It is the realm of
	// challenges and names the loggers: Name, and Name with "log" behind
	// it for the access log.
	Name string
	// Routes is the component's route table. The first line that fits a
	// request is taken.
	Routes []Route
	// Failure is the component's one table from an error's kind to a
	// response. For an error that it does not know it returns a 500 with a
	// fixed text and the error as its cause. A *Failure that is handed in
	// comes out as it is.
	Failure func(error) *Failure
	// Unready returns why the API should not be sent requests now, one short
	// text for each reason, for GET /ready; nothing when it should. It keeps
	// to its context. Nil: always ready.
	Unready func(context.Context) []string
	// Warnings returns what an operator should know about a peer, ready or not,
	// for GET /ready, as Unready does. Nil: nothing.
	Warnings func(context.Context) []string
	// Budget bounds the memory of all requests of a process. Nil: one of the
	// API's own, of the configured size.
	Budget *Budget
	// Body returns a failure in the API's own form, to be encoded as JSON.
	Body func(*Failure) any
}

// Route is one line of an API's route table. It has either Handle or Stream.
type Route struct {
	// Method is the HTTP method. Routes for GET answer HEAD, too.
	Method string
	// Path is a template of gorilla/mux without a trailing slash,
	// "/pins/{requestid}". A variable is matched in its encoded form, so it
	// may contain %2F; PathVar decodes it.
	Path string
	// Status is the status of a success of Handle.
	Status int
	// Slow routes may take longer than the write timeout until they answer.
	Slow bool
	// Open routes answer without credentials. Their path has no variables.
	Open bool
	// HTML routes are there only for requests that ask for HTML rather than for
	// JSON. Others get what they would get without the route.
	HTML bool
	// Handle returns a value to encode as JSON (nil for no body), a Streamed,
	// or an error, which goes through the API's table.
	Handle func(*http.Request) (any, error)
	// Stream writes the response itself, or returns an error before it has
	// written anything: that goes through the API's table, as those of Handle.
	// The write and read timeouts apply to each write and each read, not to
	// the whole.
	Stream Stream
	// Done, if it is not nil, is called after Stream's response has been
	// written, an error's included, or when Stream panics.
	Done func(http.ResponseWriter, *http.Request)
}

// Stream is a handler that writes its response itself.
type Stream func(http.ResponseWriter, *http.Request) error

// Streamed writes an answer, a JSON document, part by part, after everything that
// may fail has been done: the status is on its way then. An error means that the
// answer is not complete, and cuts the connection. The write timeout applies to
// each part.
type Streamed func(context.Context, io.Writer) error
