package up

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endShims waits for the shims of a containerd that has ended, and kills those
// that do not end by themselves. They clean up after containers that have gone,
// and for that they are left the time there is; or they hold containers that a
// slow machine had no time to remove, and without the containerd's state nobody
// would ever find them again.
func (o *ownContainerd) endShims(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		holding, cleaning, err := o.shims()
		if err != nil {
			return err
		}
		late := ctx.Err() != nil
		if late {
			holding = append(holding, cleaning...)
		}
		for _, pid := range holding {
			o.log.Warn("shim outlived its containerd and is killed", "pid", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		if late || len(cleaning) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// shims lists the processes of shims: those that hold containers, and those that
// clean up.
func (o *ownContainerd) shims() (holding, cleaning []int, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, nil, fmt.Errorf("list processes: %w", err)
	}
	for _, file := range files {
		b, readErr := os.ReadFile(file)
		args := strings.Split(string(b), "\x00")
		if readErr != nil || !strings.Contains(args[0], "containerd-shim") || !slices.Contains(args, o.socket) {
			continue
		}
		pid, convErr := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		err = errors.Join(err, convErr)
		if slices.Contains(args, "delete") {
			cleaning = append(cleaning, pid)
		} else {
			holding = append(holding, pid)
		}
	}
	return holding, cleaning, err
}
