package runtime

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ticks per second in /proc, the same on every Linux architecture of today.
const ticks = 100

// processStart is when a process was made, to 10 ms; zero if it is gone.
func processStart(pid uint32) time.Time {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return time.Time{}
	}
	// The name is in parentheses and may hold spaces: count after it.
	_, rest, ok := bytes.Cut(data, []byte(") "))
	fields := bytes.Fields(rest)
	const starttime = 22 - 3 // the first field after the name is the third
	if !ok || len(fields) <= starttime {
		return time.Time{}
	}
	n, err := strconv.ParseInt(string(fields[starttime]), 10, 64)
	if err != nil {
		return time.Time{}
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Time{}
	}
	age := time.Duration(now.Nano()) - time.Duration(n)*time.Second/ticks
	return time.Now().Add(-age)
}
