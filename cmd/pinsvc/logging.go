package main

import (
	"fmt"
	"maps"
	"strings"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	logging "github.com/ipfs/go-log/v2"
)

// facility is the log facility of the program itself. The shared layer's are
// named after the APIs, and are in the library's list.
const facility = "pinsvc"

// quiet is the library's level when nobody asks for another.
const quiet = "warn"

// logLevels has a level for each log facility that we set.
type logLevels map[string]string

// parseLogLevels reads what ipfs-cluster-service takes: "LEVEL" for everything
// and "FACILITY:LEVEL" for one, separated by commas. An empty text means that
// the program tells what an operator wants to know, and the library only what
// is wrong.
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

// quieter are the levels of facilities that repeat what we say once: each
// request to an IPFS node that is away is an error of ipfshttp and diskinfo,
// and the monitor is stopped twice. On CRDT the provider has an error for each
// block of the pinset's DAG, a minute after the start, when the peer is alone.
func quieter() logLevels {
	return logLevels{"ipfshttp": "fatal", "diskinfo": "fatal", "monitor": "error", "provider": "fatal"}
}

// everyLevel spreads the overall level over the library's facilities. Those of
// its dependencies are never more talkative than the library makes them.
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

// parseLevel accepts the words of go-log, and those that the documentation of
// ipfs-cluster-service names.
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

// apply sets the levels of the process.
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

// silence mutes what apply would set: for reading a configuration, whose
// mistakes the program reports better than the library logs them.
func (l logLevels) silence() {
	for name := range l {
		_ = logging.SetLogLevel(name, "fatal")
	}
}
