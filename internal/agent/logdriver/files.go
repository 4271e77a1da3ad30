package logdriver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Files keeps output in one file per container. Its methods are safe for
// concurrent use.
type Files struct {
	cfg Config

	mu   sync.Mutex
	open map[string]int64 // by container id: bytes to keep
}

// NewFiles makes the directory. Run must be running for the bounds to hold.
func NewFiles(cfg Config) (*Files, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := makeDir(cfg.Dir); err != nil {
		return nil, err
	}
	return &Files{cfg: cfg, open: map[string]int64{}}, nil
}

// Open makes the file and watches its size. After a restart of the agent it is
// called again for the containers that go on.
func (f *Files) Open(containerID string, options map[string]string) (string, error) {
	if err := checkID(containerID); err != nil {
		return "", err
	}
	keep, err := size(options, f.cfg.MaxBytes)
	if err != nil {
		return "", err
	}
	path := f.Path(containerID)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", fmt.Errorf("create log: %w", err)
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("create log: %w", err)
	}
	f.mu.Lock()
	f.open[containerID] = keep
	f.mu.Unlock()
	return path, nil
}

// Close cuts the log a last time and watches it no more.
func (f *Files) Close(containerID string) error {
	f.mu.Lock()
	keep, ok := f.open[containerID]
	delete(f.open, containerID)
	f.mu.Unlock()
	if !ok {
		return nil
	}
	return cut(f.Path(containerID), keep)
}

// Remove deletes the file.
func (f *Files) Remove(containerID string) error {
	if err := checkID(containerID); err != nil {
		return err
	}
	f.mu.Lock()
	delete(f.open, containerID)
	f.mu.Unlock()
	err := os.Remove(f.Path(containerID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove log: %w", err)
	}
	return nil
}

// checkEvery bounds how far a log can grow past its size: what is written in
// this time comes on top.
const checkEvery = time.Second

// Run holds the bounds until ctx ends.
func (f *Files) Run(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.cutAll()
		}
	}
}

func (f *Files) cutAll() {
	f.mu.Lock()
	todo := make(map[string]int64, len(f.open))
	for id, keep := range f.open {
		todo[id] = keep
	}
	f.mu.Unlock()
	for id, keep := range todo {
		if err := cut(f.Path(id), keep); err != nil {
			f.cfg.Log.Warn("log not cut", "container", id, "error", err)
		}
	}
}

// block is the unit in which space is given back.
const block = 1 << 20

// restartAt is the apparent size at which a log begins anew, long before file
// systems refuse to go on (ext4: 16 TiB).
const restartAt = 1 << 40

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
