package process

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// tick is the unit of times in /proc: Linux shows them to programs in
// hundredths of a second on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// ReadProcessorTime returns the processor time that a process has used so far,
// its own and the kernel's for it, from /proc/PID/stat (proc_pid_stat(5),
// utime and stime).
func ReadProcessorTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The program's name, in parentheses, may contain anything. Behind it are
	// the state, ten numbers, utime and stime.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: unknown form", pid)
	}
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	return time.Duration(user+system) * tick, nil
}
