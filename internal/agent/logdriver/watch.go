package logdriver

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// gather is how long news of growth are gathered: the resolution of the time
	// of lines, and a bound on what a container that writes much costs.
	gather = 10 * time.Millisecond
	// pollEvery is used where the kernel has no more inotify instances.
	pollEvery = 250 * time.Millisecond
)

// watch notes when logs grow, and wakes their shippers, until ctx ends.
func (d *Drivers) watch(ctx context.Context) {
	inotify, err := watchDir(d.cfg.Dir)
	if err != nil {
		d.cfg.Log.Warn("logs are polled", "error", err)
		d.poll(ctx)
		return
	}
	defer inotify.Close()
	defer context.AfterFunc(ctx, func() { _ = inotify.SetReadDeadline(time.Unix(1, 0)) })()
	d.grew("") // what happened before
	b := make([]byte, 16<<10)
	for ctx.Err() == nil {
		n, err := inotify.Read(b)
		if err != nil {
			break
		}
		for name := range names(b[:n]) {
			d.grew(name)
		}
		rest(ctx, gather)
	}
	if ctx.Err() == nil {
		d.poll(ctx)
	}
}

func rest(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func watchDir(dir string) (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	file := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY); err != nil {
		return nil, os.NewSyscallError("inotify_add_watch", err)
	}
	return file, nil
}

// names are the files that events are of, each once; "" stands for all, when the
// kernel lost events.
func names(b []byte) map[string]struct{} {
	out := map[string]struct{}{}
	for len(b) >= unix.SizeofInotifyEvent {
		mask, size := binary.NativeEndian.Uint32(b[4:]), int(binary.NativeEndian.Uint32(b[12:]))
		b = b[unix.SizeofInotifyEvent:]
		size = min(size, len(b))
		name := string(bytes.TrimRight(b[:size], "\x00"))
		if mask&unix.IN_Q_OVERFLOW != 0 {
			name = ""
		}
		out[name] = struct{}{}
		b = b[size:]
	}
	return out
}

func (d *Drivers) poll(ctx context.Context) {
	for ctx.Err() == nil {
		d.grew("")
		rest(ctx, pollEvery)
	}
}

// grew takes down that a log has grown; "" stands for all.
func (d *Drivers) grew(name string) {
	d.mu.Lock()
	var todo []*output
	if name != "" {
		todo = append(todo, d.outputs[idOf(name)])
	} else {
		for _, o := range d.outputs {
			todo = append(todo, o)
		}
	}
	d.mu.Unlock()
	now := time.Now()
	for _, o := range todo {
		if o != nil && o.dest != nil {
			o.noteGrowth(now)
		}
	}
}

func (o *output) noteGrowth(now time.Time) {
	var st unix.Stat_t
	if unix.Stat(o.logPath(), &st) != nil {
		return
	}
	o.mu.Lock()
	o.clock.note(st.Size, now)
	o.mu.Unlock()
	o.nudge()
}
