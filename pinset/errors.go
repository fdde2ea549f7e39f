package pinset

import "fmt"

// Kind classifies an error by what a client can do about it.
type Kind int

// The kinds. Each has a sentinel for errors.Is.
const (
	KindInternal    Kind = iota // a bug; the cause is only logged
	KindInvalid                 // the request is wrong
	KindNotFound                // there is no such pin
	KindReadOnly                // the peer is in follower mode
	KindTooLarge                // the body or the pin is over a limit
	KindUnavailable             // the cluster cannot do it now
	KindDiskFull                // the disk of this peer is full
)

// Error is an error with a public text. Details and Native are for clients, Cause is
// not.
type Error struct {
	Kind    Kind
	Details string
	// Native is the text for clients of the cluster's REST API, who know the
	// library's own texts. Empty: the same as Details.
	Native string
	Cause  error
}

// Error returns the public text and the cause, for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Details
	}
	return e.Details + ": " + e.Cause.Error()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an Error of the same kind, so that errors.Is works
// with the sentinels.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// NativeText returns the text for clients of the cluster's REST API.
func (e *Error) NativeText() string {
	if e.Native != "" {
		return e.Native
	}
	return e.Details
}

// The sentinels of the kinds: errors.Is(err, ErrNotFound) is true for every Error of
// KindNotFound. A Cluster returns ErrNotFound, ErrReadOnly and ErrTooLarge as they are.
var (
	ErrInternal = &Error{
		Kind: KindInternal, Details: "unexpected error", Native: "unexpected error: see the log of the peer",
	}
	ErrInvalid  = &Error{Kind: KindInvalid, Details: "the request is not valid"}
	ErrNotFound = &Error{
		Kind: KindNotFound, Details: "there is no pin with this requestid", Native: "pin is not part of the pinset",
	}
	ErrReadOnly = &Error{Kind: KindReadOnly, Details: "this peer follows the cluster and does not accept writes"}
	ErrTooLarge = &Error{
		Kind:    KindTooLarge,
		Details: "the pin is larger than 1 MiB with its name, meta and origins",
		Native:  "the pin is larger than 1 MiB with its name, metadata and origins",
	}
	ErrUnavailable = &Error{Kind: KindUnavailable, Details: "the cluster cannot do this now"}
	ErrDiskFull    = &Error{Kind: KindDiskFull, Details: diskFull + "no space is left on the disk of this peer"}
)

// Invalid returns an error about one parameter of a request, or about its body.
func Invalid(param, format string, args ...any) error {
	return &Error{Kind: KindInvalid, Details: param + ": " + fmt.Sprintf(format, args...)}
}

// NotFound returns an error that says what does not exist.
func NotFound(details string) error { return &Error{Kind: KindNotFound, Details: details} }

// TooLarge returns an error that says which limit a request exceeds. cause is for
// the log and may be nil.
func TooLarge(details string, cause error) error {
	return &Error{Kind: KindTooLarge, Details: details, Cause: cause}
}

// Unavailable returns an error that says what the cluster cannot do now. cause is
// for the log and may be nil.
func Unavailable(details string, cause error) error {
	return &Error{Kind: KindUnavailable, Details: details, Cause: cause}
}

// diskFull begins the details of every error of DiskFull, which cross RPC unchanged.
const diskFull = "the disk is full: "

// DiskFull returns an error that says which disk has too little space for a write,
// and what to do.
func DiskFull(details string) error {
	return &Error{Kind: KindDiskFull, Details: diskFull + details}
}

// notVisible is the text of ErrNotVisible.
const notVisible = "the write was accepted but this peer's state does not show it yet"

// ErrNotVisible is returned for a write that the peer's own state has not shown
// after 10 s. The write may still happen.
var ErrNotVisible = &Error{Kind: KindUnavailable, Details: notVisible}
