package logdriver

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// block is the unit in which space is given back.
const block = 1 << 20

// restartAt is the apparent size at which a log begins anew, long before file
// systems refuse to go on (ext4: 16 TiB).
const restartAt = 1 << 40

// scarce is the free space of the logs' file system below which every log is
// cut to its newest block: a shim whose write fails for want of space reads no
// more of its container's output, which then stops for good.
const scarce = 64 << 20

// cutAll holds the bounds of all logs.
func (d *Drivers) cutAll() {
	d.mu.Lock()
	todo := make([]*output, 0, len(d.outputs))
	for _, o := range d.outputs {
		todo = append(todo, o)
	}
	d.mu.Unlock()
	short := lowSpace(d.cfg.Dir)
	for _, o := range todo {
		keep := o.keep
		if short {
			keep = o.least()
		}
		if err := cut(o.logPath(), keep); err != nil {
			o.log.Warn("log not cut", "error", err)
		}
	}
}

// least is what a log keeps when space is scarce: a blocking one what it has
// promised to ship.
func (o *output) least() int64 {
	if o.dest != nil && o.blocking {
		return maxAhead + block
	}
	return block
}

func lowSpace(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Bavail*uint64(st.Bsize) < scarce
}

// cut gives back the disk space of all but the newest bytes.
func cut(path string, keep int64) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		return fmt.Errorf("look at log: %w", err)
	}
	const sector = 512
	if st.Blocks*sector <= keep+block && st.Size < restartAt {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer file.Close()
	if st.Size >= restartAt {
		return file.Truncate(0)
	}
	end := (st.Size - keep) / block * block
	if end <= 0 {
		return nil
	}
	err = unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, end)
	if errors.Is(err, unix.EOPNOTSUPP) {
		// A file system without holes: begin anew rather than fill the disk.
		err = file.Truncate(0)
	}
	if err != nil {
		return fmt.Errorf("cut log: %w", err)
	}
	return nil
}
