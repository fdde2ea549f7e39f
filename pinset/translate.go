package pinset

import (
	"errors"
	"regexp"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/state"
)

// Translate turns an error of the library, of gorpc or of an IPFS node into an
// *Error, with err as its cause. Most of these errors have crossed RPC, which leaves
// only their text. An *Error in the chain of err is returned as it is, and so is an
// error that is not known.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, state.ErrNotFound) { // by far the most frequent
		return ErrNotFound.because(err)
	}
	text := message(err.Error())
	for _, row := range translations {
		if row.text.MatchString(text) {
			return row.translate(err, text)
		}
	}
	return err
}

func (e *Error) because(cause error) *Error {
	return &Error{Kind: e.Kind, Details: e.Details, Native: e.Native, Cause: cause}
}

// translation is a row of the table of known errors.
type translation struct {
	text *regexp.Regexp
	kind Kind
	// details are for clients. Empty: the text of the error.
	details string
	// native is for clients of the cluster's REST API, in place of details:
	// theirs stands for the text of the error.
	native string
}

// theirs is a native text that is the error's own, which clients may know from
// ipfs-cluster-service.
const theirs = "theirs"

func (t translation) translate(err error, text string) *Error {
	e := &Error{Kind: t.kind, Details: t.details, Native: t.native, Cause: err}
	if t.kind == KindDiskFull && t.details == "" {
		text = text[strings.Index(text, diskFull):]
	}
	if e.Details == "" {
		e.Details = text
	}
	if e.Native == theirs || t.details == "" {
		e.Native = err.Error()
	}
	return e
}

// ipfsError is what the library makes of an error that Kubo answers. The path is
// escaped, so that it has no spaces.
var ipfsError = regexp.MustCompile(`^IPFS error \(\S*\)\. Code: \d+\. Message: `)

// fromIPFS is what the library puts before an error of its IPFS connector when it
// reads the root of a sharded add.
const fromIPFS = "error reading clusterDAG block from ipfs: "

// message strips what the library puts before the text of an IPFS node's error.
func message(text string) string {
	text = strings.TrimPrefix(text, fromIPFS)
	return text[len(ipfsError.FindString(text)):]
}

// Patterns are anchored, since texts may contain names and paths of a client:
// "leader" is a good name for a file. whole, begins and ends take a regular
// expression; the text around a match must be separated from it.
func whole(expr string) *regexp.Regexp  { return regexp.MustCompile(`^(?:` + expr + `)$`) }
func begins(expr string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + expr + `)(?:$|[ .,:;])`) }

// ends also matches at the end of a line: libp2p reports one failed address a line.
func ends(expr string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|: )(?:` + expr + `)(?:$|\n)`)
}

// cause matches an error that wraps another one, and may be wrapped itself.
func cause(expr string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|: )(?:` + expr + `)(?:$|: )`)
}

func exactly(text string) string { return regexp.QuoteMeta(text) }

// ErrNotCompared ends a tracker's list of unpinned pins when the peer has not
// compared its pins with its IPFS node since it started: the list may lack pins.
var ErrNotCompared = errors.New("this peer has not compared its pins with its IPFS node yet")

// NotCompared reports whether err is ErrNotCompared, which may have crossed RPC.
func NotCompared(err error) bool {
	return err != nil && (errors.Is(err, ErrNotCompared) || notCompared.MatchString(err.Error()))
}

var notCompared = ends(exactly(ErrNotCompared.Error()))

// lostClusterDAG matches the library's errors for a root of a sharded add whose
// cluster DAG is not in the pinset, cannot be read, or is none.
var lostClusterDAG = regexp.MustCompile(
	`^(?:could not get clusterDAG pin from state\. Malformed pin\?|error reading clusterDAG block from ipfs|error parsing clusterDAG block): `)

// LostClusterDAG reports whether the library could not remove the root of a sharded
// add because its cluster DAG is lost. err may be translated.
func LostClusterDAG(err error) bool {
	var own *Error
	if errors.As(err, &own) && own.Cause != nil {
		err = own.Cause
	}
	return err != nil && lostClusterDAG.MatchString(err.Error())
}
