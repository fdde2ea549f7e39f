package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Memory is what a process holds, in bytes.
type Memory struct {
	Resident int64 // VmRSS
	Peak     int64 // VmHWM, the most that it ever held
}

// ReadMemory returns the memory of a process, from /proc/PID/status (Linux,
// proc_pid_status(5), whose kB are 1024 bytes).
func ReadMemory(pid int) (Memory, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	defer file.Close()
	var m Memory
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		var into *int64
		switch key {
		case "VmRSS":
			into = &m.Resident
		case "VmHWM":
			into = &m.Peak
		default:
			continue
		}
		if _, err := fmt.Sscanf(value, "%d kB", into); err != nil {
			return Memory{}, fmt.Errorf("%s: %s: %w", file.Name(), lines.Text(), err)
		}
		*into *= 1024
	}
	if m.Resident == 0 {
		return Memory{}, errors.Join(fmt.Errorf("%s has no VmRSS", file.Name()), lines.Err())
	}
	return m, nil
}
