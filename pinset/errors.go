package pinset

// Kind says what went wrong in the terms of the API.
type Kind int

const (
	KindInternal    Kind = iota // our mistake; details stay in the log
	KindInvalid                 // the request is wrong
	KindNotFound                // no pin with that request ID
	KindReadOnly                // the peer follows a cluster that it may not write to
	KindTooLarge                // the body or the pin is over a limit
	KindUnavailable             // the cluster cannot do it now
	KindDiskFull                // the disk of this peer is full
)

// Error is an error of this API: details are for the client, cause is not.
type Error struct {
	Kind    Kind
	Details string
	Cause   error
}

// Error returns the public part and the cause, for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Details
	}
	return e.Details + ": " + e.Cause.Error()
}

// Unwrap returns the private part, or nil.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrNotFound) true for every error of that kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// Errors that an implementation of Cluster returns, as they are or wrapped.
var (
	// ErrNotFound: the CID is not in the pinset, or is not a pin that the
	// API shows.
	ErrNotFound = &Error{Kind: KindNotFound, Details: "there is no pin with this requestid"}
	// ErrReadOnly: this peer is in follower mode.
	ErrReadOnly = &Error{Kind: KindReadOnly, Details: "this peer follows the cluster and does not accept writes"}
	// ErrTooLarge: the pin would not fit into the cluster's state.
	ErrTooLarge = &Error{Kind: KindTooLarge, Details: "the pin is larger than 1 MiB with its name, meta and origins"}
)

// Unavailable returns an error that says what the cluster cannot do now, and,
// for the log, why.
func Unavailable(details string, cause error) error {
	return &Error{Kind: KindUnavailable, Details: details, Cause: cause}
}

// diskFull begins the details of every error of DiskFull. They cross RPC as they
// are.
const diskFull = "the disk is full: "

// DiskFull returns an error that says which disk has too little space for a
// write, and what to do.
func DiskFull(details string) error {
	return &Error{Kind: KindDiskFull, Details: diskFull + details}
}
