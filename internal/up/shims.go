package up

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// endShims kills the shims of a containerd that has ended. There are none but
// those of containers that a slow machine had no time to remove; without the
// containerd's state nobody would ever find them again.
func (o *ownContainerd) endShims() error {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		args := strings.Split(string(b), "\x00")
		if err != nil || !strings.Contains(args[0], "containerd-shim") || !slices.Contains(args, o.socket) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return fmt.Errorf("list processes: %w", err)
		}
		o.log.Warn("shim outlived its containerd and is killed", "pid", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	return nil
}
