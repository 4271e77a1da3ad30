package logdriver

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxAhead is how far the file of a blocking log may be ahead of what the
// destination has taken: enough for the largest request.
const maxAhead = fullBatch + 512<<10

// pump moves what the shim writes into the FIFO to the file, until ctx ends or
// the FIFO is closed. The kernel moves it (splice), so a crash of the agent has
// nothing in its hands: it is in the FIFO or in the file.
func (o *output) pump(ctx context.Context) {
	o.mu.Lock()
	fifo := o.fifo
	o.mu.Unlock()
	if fifo == nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = fifo.SetReadDeadline(time.Unix(1, 0)) })()
	_ = fifo.SetReadDeadline(time.Time{})
	var told time.Time
	for ctx.Err() == nil {
		err := o.move(ctx, fifo)
		if errors.Is(err, os.ErrClosed) || ctx.Err() != nil {
			return
		}
		// Such as a full disk: the container waits.
		if now := time.Now(); now.Sub(told) > time.Minute {
			told = now
			o.log.Warn("log not written", "error", err)
		}
		rest(ctx, settle)
	}
}

// move does one splice when there is something to move and room for it.
func (o *output) move(ctx context.Context, fifo *os.File) error {
	file, err := os.OpenFile(o.logPath(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		size, err := size0(file)
		if err != nil {
			return err
		}
		room := o.roomFor(size)
		if room == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-o.room:
			}
			continue
		}
		if err := splice(fifo, file, size, room); err != nil {
			return err
		}
	}
}

func (o *output) roomFor(size int64) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return max(0, maxAhead-(size-o.acked))
}

// splice waits until the FIFO has something and moves at most n bytes of it.
func splice(fifo, file *os.File, at, n int64) error {
	conn, err := fifo.SyscallConn()
	if err != nil {
		return err
	}
	var moved error
	err = conn.Read(func(fd uintptr) bool {
		_, moved = unix.Splice(int(fd), nil, int(file.Fd()), &at, int(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		return !errors.Is(moved, unix.EAGAIN)
	})
	return errors.Join(err, moved)
}

// fifoEmpty tells whether nothing waits in the FIFO; mu is held.
func (o *output) fifoEmpty() bool {
	if o.fifo == nil {
		return true
	}
	conn, err := o.fifo.SyscallConn()
	if err != nil {
		return true
	}
	waiting := 0
	err = conn.Control(func(fd uintptr) { waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return err != nil || waiting == 0
}
