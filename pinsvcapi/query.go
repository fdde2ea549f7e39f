package pinsvcapi

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ipfs/go-cid"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// The bounds of the specification's parameters.
const (
	// maxName is in characters, not in bytes.
	maxName = 255
	maxCIDs = 10
	// maxMeta is the number of entries. Their sizes are bounded by those of a request.
	maxMeta      = 1000
	maxOrigins   = 20
	maxDelegates = 20
	maxLimit     = 1000
	defaultLimit = 10
)

// query is a complete and valid list request.
type query struct {
	// cids are the CIDs that are asked for, without duplicates. A pin of the other
	// version of one matches, too.
	cids []cid.Cid
	name *pinset.Name // nil: any
	meta map[string]string
	// before and after are exclusive, in whole milliseconds. Zero: no bound.
	before, after time.Time
	statuses      []pinset.Status // never empty
	limit         int
}

// parseQuery parses the parameters of GET /pins. Unknown ones are ignored, an empty
// value counts as absent, repeated lists and meta are merged. The error names the first
// wrong parameter.
func parseQuery(raw string) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, pinset.Invalid("query", "%v", err)
	}
	if values, err = plainValues(values); err != nil {
		return query{}, err
	}
	q := query{limit: defaultLimit}
	for _, parse := range []func(url.Values) error{
		q.parseCIDs, q.parseName, q.parseMeta, q.parseStatus, q.parseTimes, q.parseLimit,
	} {
		if err := parse(values); err != nil {
			return query{}, err
		}
	}
	return q, nil
}

// given returns the values of a parameter that are not empty.
func given(values url.Values, param string) []string {
	return slices.DeleteFunc(slices.Clone(values[param]), func(s string) bool { return s == "" })
}

// list returns the elements of a comma-separated parameter that are not empty, of all
// its repetitions.
func list(values url.Values, param string) []string {
	var out []string
	for _, v := range values[param] {
		out = append(out, strings.Split(v, ",")...)
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// scalar returns the first value of a parameter that is not empty.
func scalar(values url.Values, param string) string {
	for _, v := range given(values, param) {
		return v
	}
	return ""
}

// parseCIDs parses at most maxCIDs CIDs and drops duplicates.
func (q *query) parseCIDs(values url.Values) error {
	words := list(values, "cid")
	if len(words) > maxCIDs {
		return pinset.Invalid("cid", "at most %d CIDs can be asked for at once, not %d", maxCIDs, len(words))
	}
	for _, w := range words {
		c, err := parseCID("cid", w)
		if err != nil {
			return err
		}
		if !slices.Contains(q.cids, c) {
			q.cids = append(q.cids, c)
		}
	}
	return nil
}

// parseName parses name and match. match without a name is checked, and then ignored.
func (q *query) parseName(values url.Values) error {
	word := scalar(values, "match")
	if word == "" {
		word = "exact"
	}
	m := pinset.Match(word)
	if !slices.Contains(pinset.Matches, m) {
		return pinset.Invalid("match", "unknown strategy %s; it is one of exact, iexact, partial, ipartial", quote(word))
	}
	name := scalar(values, "name")
	if name == "" {
		return nil
	}
	if err := checkName(name); err != nil {
		return err
	}
	q.name = pinset.NewName(string(m), name)
	return nil
}

// parseMeta parses the filter by meta. The entries of repeated parameters all have to
// match.
func (q *query) parseMeta(values url.Values) error {
	for _, raw := range given(values, "meta") {
		meta, err := parseMeta([]byte(raw))
		if err != nil {
			return err
		}
		if err := q.addMeta(meta); err != nil {
			return err
		}
	}
	return nil
}

// addMeta merges entries into the filter. Two values of a key would match no pin, which
// the client cannot mean.
func (q *query) addMeta(meta map[string]string) error {
	if q.meta == nil {
		q.meta = make(map[string]string, len(meta))
	}
	for k, v := range meta {
		if other, ok := q.meta[k]; ok && other != v {
			return pinset.Invalid(metaParam, "the key %s has two values, %s and %s", quote(k), quote(other), quote(v))
		}
		q.meta[k] = v
	}
	if len(q.meta) > maxMeta {
		return pinset.Invalid(metaParam, "at most %d entries, not %d", maxMeta, len(q.meta))
	}
	return nil
}

// parseStatus parses the filter by status, or sets its default: every status for a list
// that is filtered by cid, name or meta, else pinned.
func (q *query) parseStatus(values url.Values) error {
	for _, w := range list(values, "status") {
		s := pinset.Status(w)
		if !slices.Contains(pinset.Statuses, s) {
			return pinset.Invalid("status", "unknown status %s; it is one of queued, pinning, pinned, failed", quote(w))
		}
		if !slices.Contains(q.statuses, s) {
			q.statuses = append(q.statuses, s)
		}
	}
	switch {
	case len(q.statuses) > 0:
	case len(q.cids) == 0 && q.name == nil && len(q.meta) == 0:
		q.statuses = []pinset.Status{pinset.StatusPinned}
	default:
		q.statuses = pinset.Statuses
	}
	return nil
}

// parseTimes parses the exclusive bounds of `created`.
func (q *query) parseTimes(values url.Values) (err error) {
	if q.before, err = parseTime(values, "before"); err != nil {
		return err
	}
	q.after, err = parseTime(values, "after")
	return err
}

// parseTime parses an RFC 3339 timestamp, to the millisecond. A space stands for the
// "+" of a time zone that was not escaped.
func parseTime(values url.Values, param string) (time.Time, error) {
	raw := scalar(values, param)
	if raw == "" {
		return time.Time{}, nil
	}
	text := strings.ToUpper(strings.ReplaceAll(raw, " ", "+"))
	t, err := time.Parse(time.RFC3339Nano, text)
	// Go, but not RFC 3339, knows an hour of one digit and a decimal comma.
	if err != nil || text[len("2006-01-02T15")] != ':' || strings.Contains(text, ",") {
		return time.Time{}, pinset.Invalid(param, "%s is not an RFC 3339 timestamp with a zone, like 2020-07-27T17:32:28.276Z", quote(raw))
	}
	t = t.UTC().Truncate(time.Millisecond)
	if t.IsZero() { // which would mean no bound; no pin is that old
		t = t.Add(time.Millisecond)
	}
	return t, nil
}

// parseLimit parses the size of the page. The specification has no 0.
func (q *query) parseLimit(values url.Values) error {
	raw := scalar(values, "limit")
	if raw == "" {
		return nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > maxLimit {
		return pinset.Invalid("limit", "%s is not a whole number from 1 to %d", quote(raw), maxLimit)
	}
	q.limit = n
	return nil
}

// parseMeta parses a JSON object of strings, of a filter or a body. JSON null is no
// meta. Entries over the bound are counted, not kept.
func parseMeta(raw []byte) (map[string]string, error) {
	meta := make(map[string]string)
	entries := 0
	err := eachEntry(raw, func(key string, value any) error {
		text, is := value.(string)
		switch {
		case value == nil:
			return pinset.Invalid("meta", "the value of %s is null, not a string", quote(key))
		case !is:
			return errNoStrings
		case pinset.IsReserved(key):
			return pinset.Invalid("meta", "the key %s is reserved: keys that begin with %q belong to the service", quote(key), pinset.ReservedPrefix)
		}
		if _, again := meta[key]; !again {
			entries++
		}
		if entries <= maxMeta {
			meta[key] = text
		}
		return nil
	})
	var own *pinset.Error
	switch {
	case errors.As(err, &own):
		return nil, err
	case err != nil:
		return nil, pinset.Invalid("meta", `%s is not a JSON object of strings, like {"key":"value"}`, quote(string(raw)))
	case entries > maxMeta:
		return nil, pinset.Invalid("meta", "at most %d entries, not %d", maxMeta, entries)
	}
	return meta, nil
}

// checkName applies the specification's bound, in characters.
func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n > maxName {
		return pinset.Invalid("name", "at most %d characters, not %d", maxName, n)
	}
	return nil
}

// quote returns a text of a client, quoted and shortened for an error message.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}
