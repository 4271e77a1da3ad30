package runtime

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// When an agent is killed while containerd makes a process for it, containerd
// notices, and undoes what it has made so far, with the container's shim and its
// directory last. It lets another creation of the same id begin meanwhile, and
// then takes that one's directory away too: the new shim hangs for ever. So a
// creation that was cut off is waited out.
const (
	lookEvery = 50 * time.Millisecond
	// quietLooks in a row must find nothing: there are moments in which no
	// process of the creation runs.
	quietLooks = 5
	// cutOffTime is how long containerd may take; shims that are there after
	// that hang, and are killed.
	cutOffTime = 10 * time.Second
)

// settled waits until the creation of a container, which may have been cut off,
// has come to its end, and says whether the process is there.
func (r *Containerd) settled(ctx context.Context, id string) (bool, error) {
	deadline := time.Now().Add(cutOffTime)
	for quiet := 0; quiet < quietLooks; {
		p, err := r.task(ctx, id)
		if err == nil && p.Pid != 0 {
			return true, nil
		}
		if err != nil && !isNotFound(err) && !isShimGone(err) {
			return false, err
		}
		shims, serr := shimsOf(id)
		if serr != nil {
			return false, serr
		}
		quiet++
		if err == nil || len(shims) > 0 {
			quiet = 0
		}
		if time.Now().After(deadline) {
			r.cfg.Log.Warn("shim hangs in a creation that was cut off, and is killed", "container", id, "pids", shims)
			for _, pid := range shims {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			}
			deadline = time.Now().Add(cutOffTime)
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return false, nil
}

// shimsOf are the processes of shims that begin, run, or end for a container.
func shimsOf(id string) ([]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, dir := range dirs {
		b, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		args := bytes.Split(b, []byte{0})
		if err != nil || !bytes.Contains(args[0], []byte("containerd-shim")) || !bytes.Contains(b, []byte("-id\x00"+id+"\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
