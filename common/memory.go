package common

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// budgetShare is which part of the memory limit the default budget is.
	budgetShare = 8
	// mostDefault is the largest default budget, in bytes.
	mostDefault = 128 << 20
)

func defaultBudget() int64 { return min(memoryLimit("/")/budgetShare, mostDefault) }

// memoryLimit returns how many bytes this process may use: the least of
// GOMEMLIMIT, the limits of its control groups and the memory of the machine. root
// is the root of the file system. Without any of these there is no limit.
func memoryLimit(root string) int64 {
	limit := debug.SetMemoryLimit(-1) // GOMEMLIMIT; -1 only reads it
	for _, file := range append(limitFiles(root), filepath.Join(root, "proc/meminfo")) {
		if n, ok := readLimit(file); ok {
			limit = min(limit, n)
		}
	}
	return limit
}

// limitFiles returns the files that may have limits of the control groups that
// this process is in, and of those around them: version 2 and version 1. Inside
// a container the own group is mounted as the root, and the path that
// /proc/self/cgroup shows may not be there.
func limitFiles(root string) []string {
	mount := filepath.Join(root, "sys/fs/cgroup")
	files := []string{
		filepath.Join(mount, "memory.max"),
		filepath.Join(mount, "memory/memory.limit_in_bytes"),
	}
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return files // not Linux
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		dir, name := mount, "memory.max"
		switch {
		case parts[1] == "": // version 2
		case strings.Contains(","+parts[1]+",", ",memory,"):
			dir, name = filepath.Join(mount, "memory"), "memory.limit_in_bytes"
		default:
			continue
		}
		for group := filepath.Clean("/" + parts[2]); group != "/"; group = filepath.Dir(group) {
			files = append(files, filepath.Join(dir, group, name))
		}
	}
	return files
}

// readLimit reads a limit in bytes, or the total memory of /proc/meminfo, which
// is in KiB.
func readLimit(file string) (int64, bool) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	if rest, is := strings.CutPrefix(string(raw), "MemTotal:"); is {
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			return 0, false
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		return n << 10, err == nil && n > 0 && n < math.MaxInt64>>10
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	return n, err == nil && n > 0 // "max" is no limit
}
