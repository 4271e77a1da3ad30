package agent

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// shed gives back the memory that only start-up needed: garbage, and the pages of
// the program itself, most of which belong to its other roles and were touched
// by package initialisation. What is needed again comes back from the page cache.
func shed() error {
	debug.FreeOSMemory()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("read own memory map: %w", err)
	}
	for _, m := range untouched(smaps, self) {
		// Clean pages of a read-only private mapping are read again when needed.
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
		if errno != 0 {
			return fmt.Errorf("give back pages of own program: %w", errno)
		}
	}
	return nil
}

type mapping struct{ start, end uintptr }

// untouched finds the mappings of the file that nobody can write to and nobody
// has written to: relocations have, and are lost with their page.
func untouched(smaps []byte, file string) []mapping {
	var (
		out  []mapping
		last mapping
		ours bool
	)
	for s := bufio.NewScanner(bytes.NewReader(smaps)); s.Scan(); {
		var m mapping
		var perms string
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x %s", &m.start, &m.end, &perms); n == 3 {
			last = m
			ours = strings.HasSuffix(s.Text(), " "+file) && (perms == "r-xp" || perms == "r--p")
			continue
		}
		if f := strings.Fields(s.Text()); ours && len(f) == 3 && f[0] == "Anonymous:" && f[1] == "0" {
			out = append(out, last)
		}
	}
	return out
}
