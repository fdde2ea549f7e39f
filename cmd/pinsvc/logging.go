package main

import (
	"fmt"
	"maps"
	"strings"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	logging "github.com/ipfs/go-log/v2"
)

// facility is the log facility of the program itself. The facilities of the
// shared HTTP layer are named after the APIs and are in the library's list.
const facility = "pinsvc"

// quiet is the level of the library unless another one is requested.
const quiet = "warn"

// logLevels maps log facilities to levels. The key "*" means all facilities,
// including those that are not in the map.
type logLevels map[string]string

// parseLogLevels parses the syntax of ipfs-cluster-service: "LEVEL" for
// everything and "FACILITY:LEVEL" for one facility, separated by commas.
// Without any, the program logs at info and the library at warn: an operator
// wants to know about the service, and about the library only when something is
// wrong.
func parseLogLevels(text string, debug bool) (logLevels, error) {
	if debug {
		text = "debug"
	}
	overall, own := quiet, "info"
	single := logLevels{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, word, named := strings.Cut(item, ":")
		if !named {
			name, word = "all", item
		}
		level, err := parseLevel(word)
		switch {
		case err != nil:
			return nil, err
		case name == "all":
			overall, own = level, level
		default:
			single[name] = level
		}
	}
	levels := everyLevel(overall)
	if overall == quiet {
		maps.Copy(levels, quieter())
	}
	if debug {
		levels["*"] = overall
	}
	levels[facility], levels["audit"] = own, own
	maps.Copy(levels, single)
	return levels, nil
}

// quieter returns the levels of facilities that repeat what we log once: with
// an IPFS node away, ipfshttp and diskinfo log an error for each request, and
// the library stops the monitor twice. On CRDT, provider logs an error for each
// block of the pinset's DAG a minute after the start of a peer that is alone.
func quieter() logLevels {
	return logLevels{"ipfshttp": "fatal", "diskinfo": "fatal", "monitor": "error", "provider": "fatal"}
}

// everyLevel applies the overall level to all facilities of the library.
// Facilities of its dependencies get the level that the library sets for them,
// or a quieter one.
func everyLevel(overall string) logLevels {
	// Missing in the library's list.
	levels := logLevels{"observations": overall, "blockstore": overall, "embedded": overall}
	for name := range ipfscluster.LoggingFacilities {
		levels[name] = overall
	}
	for name, level := range ipfscluster.LoggingFacilitiesExtra {
		levels[name] = strings.ToLower(level)
		if overall == quiet && levels[name] == "info" {
			levels[name] = overall
		}
	}
	return levels
}

// parseLevel accepts the levels of go-log, and the additional names in the
// documentation of ipfs-cluster-service.
func parseLevel(word string) (string, error) {
	word = strings.ToLower(strings.TrimSpace(word))
	switch word {
	case "warning":
		return "warn", nil
	case "notice":
		return "info", nil
	case "critical":
		return "fatal", nil
	}
	if _, err := logging.Parse(word); err != nil || word == "" {
		return "", fmt.Errorf("unknown log level %q: it is debug, info, warn, error or fatal", word)
	}
	return word, nil
}

// apply sets the levels of the process. Their names have been parsed, so an
// error can only mean that a facility does not exist (yet), which is fine.
func (l logLevels) apply() {
	if level, all := l["*"]; all {
		_ = logging.SetLogLevel("*", level) // the words were parsed
	}
	for name, level := range l {
		if name != "*" {
			_ = logging.SetLogLevel(name, level)
		}
	}
}

// silence turns off the facilities that apply sets, while a configuration is
// read: the program reports its mistakes in its own words.
func (l logLevels) silence() {
	for name := range l {
		_ = logging.SetLogLevel(name, "fatal")
	}
}
